using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Images;
using Serval.Kube;
using Serval.Kube.Tokens;

namespace Serval.Node.Tests;

/// <summary>A node agent with a data directory, an API and one image (busybox' host) of its own.</summary>
internal sealed class TestNode : IAsyncDisposable, IImageRoots
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly PortBlock _ports = PortBlock.Take();
    private readonly NodeOptions _options;

    public TestNode(
        TimeProvider? time = null, bool? allowMounts = null, FakeKube? kube = null, string? data = null, IDrainGate? drain = null, IEventRecorder? events = null, bool podNetwork = false, IPodTokens? tokens = null,
        bool relaysLoopback = false)
    {
        Kube = kube ?? new FakeKube();
        Data = data ?? Directory.CreateTempSubdirectory("serval-node-").FullName;
        Image = Path.Combine(Data, "image");
        Directory.CreateDirectory(Image);
        _options = new NodeOptions
        {
            DataDirectory = Data, NodeName = "node-1", FirstPort = _ports.First, LastPort = _ports.Last, AllowMounts = allowMounts,
            Time = time ?? TimeProvider.System, PodNetwork = podNetwork, RelaysLoopback = relaysLoopback, Tokens = tokens ?? new ServiceAccountTokens(ServiceAccountTokens.NewKey(), time ?? TimeProvider.System),
        };
        Capacity = new DirectCapacitySignal();
        Capacity.Subscribe(c =>
        {
            lock (Signals)
            {
                Signals.Add(c);
            }
        });
        Agent = new NodeAgent(_options, Kube, Capacity, this, drain, events);
    }

    public FakeKube Kube { get; }

    public string Data { get; }

    public string Image { get; }

    public NodeAgent Agent { get; }

    public DirectCapacitySignal Capacity { get; }

    public List<InstanceCapacity> Signals { get; } = [];

    public string? MissingImage { get; set; }

    public ImageConfig Config { get; set; } = new();

    public static async Task<TestNode> StartAsync(
        TimeProvider? time = null, bool? allowMounts = null, FakeKube? kube = null, string? data = null, IDrainGate? drain = null, IEventRecorder? events = null, bool podNetwork = false, IPodTokens? tokens = null,
        bool relaysLoopback = false)
    {
        var node = new TestNode(time, allowMounts, kube, data, drain, events, podNetwork, tokens, relaysLoopback);
        await node.Agent.StartAsync(CancellationToken.None);
        return node;
    }

    public ValueTask<ImageRoot> OpenAsync(string reference, CancellationToken ct) =>
        MissingImage is { } message
            ? ValueTask.FromException<ImageRoot>(new ImageException(ImageError.NotFound, message))
            : ValueTask.FromResult(new ImageRoot("sha256:1234", Image, Config));

    /// <summary>Gives the image a shell of its own.</summary>
    public void AddShell()
    {
        Directory.CreateDirectory(Image + "/bin");
        File.Copy("/usr/bin/busybox", Image + "/bin/busybox");
        File.CreateSymbolicLink(Image + "/bin/sh", "/bin/busybox");
    }

    /// <summary>A pod with one container that runs a shell script; edit the tree for more.</summary>
    public static JsonObject Shell(string script, Action<JsonObject>? container = null, Action<JsonObject>? pod = null)
    {
        var c = new JsonObject { ["name"] = "app", ["image"] = "test/app@sha256:1234", ["command"] = new JsonArray { "/bin/sh", "-c", script } };
        container?.Invoke(c);
        var tree = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject
            {
                ["name"] = "p1", ["namespace"] = "default", ["labels"] = new JsonObject { ["serving.knative.dev/revision"] = "rev-1" },
            },
            ["spec"] = new JsonObject
            {
                ["nodeName"] = "node-1", ["restartPolicy"] = "Always", ["terminationGracePeriodSeconds"] = 30, ["containers"] = new JsonArray { c },
            },
        };
        pod?.Invoke(tree);
        return tree;
    }

    /// <summary>A container port, as a revision's pod has.</summary>
    public static void Port8080(JsonObject container) =>
        container["ports"] = new JsonArray { new JsonObject { ["name"] = "user-port", ["containerPort"] = 8080, ["protocol"] = "TCP" } };

    public Task<KubeObject> CreateAsync(JsonObject pod) =>
        Kube.CreateAsync(Kinds.Pod, KubeObject.From(pod), WriteOptions.By("test"));

    public Task<KubeObject> CreateAsync(ResourceKind kind, string json) =>
        Kube.CreateAsync(kind, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(json)), WriteOptions.By("test"));

    /// <summary>Merges a patch into pod p1.</summary>
    public Task<KubeObject> PatchAsync(string patch) =>
        Kube.PatchAsync(Kinds.Pod, new ObjectKey("default", "p1"), new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test"));

    /// <summary>The pod as soon as it satisfies the condition.</summary>
    public async Task<Pod> WhenAsync(Func<Pod, bool> condition, string name = "p1")
    {
        var found = new TaskCompletionSource<Pod>(TaskCreationOptions.RunContinuationsAsynchronously);
        Pod? last = null;
        using var subscription = Kube.Cache(Kinds.Pod).Subscribe(c =>
        {
            if (c.New.Key.Name == name && c.Type != WatchEventType.Deleted && condition(last = c.New.As<Pod>()))
            {
                found.TrySetResult(c.New.As<Pod>());
            }
        });
        try
        {
            return await found.Task.WaitAsync(s_patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"last seen: {last?.Status}; {string.Join("; ", last?.Status.ContainerStatuses ?? [])} {string.Join("; ", last?.Status.Conditions ?? [])}", e);
        }
    }

    public async Task WhenGoneAsync(string name = "p1")
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = Kube.Cache(Kinds.Pod).Subscribe(c =>
        {
            if (c.New.Key.Name == name && c.Type == WatchEventType.Deleted)
            {
                gone.TrySetResult();
            }
        });
        if (Kube.Cache(Kinds.Pod).Get(new ObjectKey("default", name)) is not null)
        {
            await gone.Task.WaitAsync(s_patience);
        }
    }

    /// <summary>The signals so far, as soon as they end with these states.</summary>
    public async Task<IReadOnlyList<InstanceState>> WhenSignalsEndAsync(params InstanceState[] end)
    {
        var found = new TaskCompletionSource<IReadOnlyList<InstanceState>>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = Capacity.Subscribe(_ => Look());
        Look();
        return await found.Task.WaitAsync(s_patience);

        void Look()
        {
            lock (Signals)
            {
                if (Signals.TakeLast(end.Length).Select(s => s.State).SequenceEqual(end))
                {
                    found.TrySetResult([.. Signals.Select(s => s.State)]);
                }
            }
        }
    }

    public async Task<InstanceCapacity> WhenSignalAsync(InstanceState state)
    {
        var found = new TaskCompletionSource<InstanceCapacity>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var subscription = Capacity.Subscribe(c =>
        {
            if (c.State == state)
            {
                found.TrySetResult(c);
            }
        });
        lock (Signals)
        {
            if (Signals.FirstOrDefault(s => s.State == state) is { } seen)
            {
                return seen;
            }
        }
        return await found.Task.WaitAsync(s_patience);
    }

    /// <summary>What a container of pod p1 wrote, once it has written a line that ends with this.</summary>
    public async Task<string> LogAsync(string until, string pod = "p1", string container = "")
    {
        using var limit = new CancellationTokenSource(s_patience);
        var seen = new Until(until, limit);
        try
        {
            await Agent.Streams.CopyLogsAsync(new ObjectKey("default", pod), new LogOptions { Follow = true, Container = container }, seen, limit.Token);
        }
        catch (OperationCanceledException) when (seen.Found)
        {
            // The line is here.
        }
        return seen.Text;
    }

    public static Condition Ready(Pod pod) => pod.Status.Conditions.FirstOrDefault(c => c.Type == "Ready") ?? new Condition();

    public async ValueTask DisposeAsync()
    {
        await Agent.DisposeAsync();
        _ports.Dispose();
        if (!KeepData)
        {
            Directory.Delete(Data, recursive: true);
        }
    }

    public bool KeepData { get; set; }

    private sealed class Until(string text, CancellationTokenSource limit) : MemoryStream
    {
        public string Text => System.Text.Encoding.UTF8.GetString(ToArray());

        public bool Found => Text.Contains(text, StringComparison.Ordinal);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            if (Found)
            {
                await limit.CancelAsync();
            }
        }
    }
}
