using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Composition;
using Serval.Images;
using Serval.Kube;

namespace Serval.Tests.Composition;

/// <summary>The wake's promise: at most three object writes up to the pod, and none between its spawn and the signal that it is ready.</summary>
public sealed class WakeWritesTests : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("serval-wake-").FullName;
    private ServalHost _host = null!; // set by InitializeAsync

    public async Task InitializeAsync()
    {
        _host = (ServalHost)await ServalHost.StartAsync(new ServalOptions { DataDirectory = _data, HttpPort = 0, ApiPort = 0 }, forcedEnd: null, CancellationToken.None);
        var image = Directory.CreateDirectory(Path.Combine(_data, "image"));
        File.Copy(new[] { "/usr/bin/busybox", "/bin/busybox" }.First(File.Exists), Path.Combine(image.FullName, "busybox"));
        Directory.CreateDirectory(Path.Combine(image.FullName, "www"));
        await File.WriteAllTextAsync(Path.Combine(image.FullName, "www", "index.html"), "hello\n");
        await _host.Images.AddDirectoryAsync("dev.local/bb:1", image.FullName, new ImageConfig { Entrypoint = ["./busybox"] });
        var map = new ObjectKey(KnativeNames.SystemNamespace, "config-autoscaler");
        await _host.Client.PatchAsync(
            Kinds.ConfigMap, map, new KubePatch(PatchType.Merge, """{"data":{"allow-zero-initial-scale":"true"}}"""u8.ToArray()), WriteOptions.By("test"));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task Wake_WritesThreeObjects_AndNoneBetweenSpawnAndReady()
    {
        await DeployAtZeroAsync("hello");
        await QuietAsync();
        var writes = new ConcurrentQueue<(long Version, string What)>();
        var before = 0L;
        var subscriptions = Kinds.All.Select(kind => _host.Client.Cache(kind).Subscribe(change =>
        {
            if (Volatile.Read(ref before) == 1)
            {
                writes.Enqueue((change.New.Version, $"{change.Type} {kind.Kind} {change.New.Key}"));
            }
        })).ToList();
        Volatile.Write(ref before, 1);

        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, _host.GatewayUri) { Headers = { Host = "hello.default.localhost" } };
        using var answer = await http.SendAsync(request);
        var upToAnswer = writes.ToArray();
        subscriptions.ForEach(s => s.Dispose());

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var pod = Array.FindIndex(upToAnswer, w => w.What.StartsWith("Added Pod", StringComparison.Ordinal));
        var text = string.Join('\n', upToAnswer.Select(w => w.What));
        Assert.True(pod is >= 0 and <= 2, $"the pod came as write {pod + 1}:\n{text}");
        // The signal that releases the request goes ahead of the pod's own Ready; whatever follows that trails the answer or races with it.
        var next = upToAnswer.Skip(pod + 1).Select(w => w.What).FirstOrDefault("Modified Pod");
        Assert.True(next.StartsWith("Modified Pod", StringComparison.Ordinal), $"something was written between the spawn and Ready:\n{text}");

        await _host.Events.FlushAsync(); // what the wake had to tell comes after it
        var told = _host.Client.Cache(Kinds.Event).List().Select(e => (string?)e.ToTree()["reason"]).ToHashSet();
        Assert.Superset(new HashSet<string?> { "ScalingReplicaSet", "SuccessfulCreate", "Scheduled", "Pulled", "Created", "Started" }, told);
    }

    private async Task DeployAtZeroAsync(string name)
    {
        var service = JsonNode.Parse($$"""
            {"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"{{name}}","namespace":"default"},
             "spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/initial-scale":"0"} },
               "spec":{"containers":[{"image":"dev.local/bb:1","args":["httpd","-f","-p","127.0.0.1:$(PORT)","-h","www"]}]} } } }
            """)!.AsObject();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watch = _host.Client.Cache(Kinds.KService).Subscribe(change =>
        {
            if (change.New.As<KService>().Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" }))
            {
                ready.TrySetResult();
            }
        });
        await _host.Client.CreateAsync(Kinds.KService, KubeObject.From(service), WriteOptions.By("test"));
        await ready.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>Waits until every deployment's status has caught up and the deploy's events are written, the last of what trails a deploy.</summary>
    private async Task QuietAsync()
    {
        var quiet = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watch = _host.Client.Cache(Kinds.Deployment).Subscribe(change =>
        {
            if (change.New.As<Api.Apps.Deployment>().Status.ObservedGeneration == change.New.Metadata.Generation)
            {
                quiet.TrySetResult();
            }
        });
        await quiet.Task.WaitAsync(TimeSpan.FromMinutes(1));
        var seen = -1L;
        while (await NewestAsync() is var newest && newest != seen)
        {
            seen = newest;
            await _host.Events.FlushAsync();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
            await timer.WaitForNextTickAsync();
        }

        async Task<long> NewestAsync() => (await _host.Client.ListAsync(Kinds.Node, null, ListOptions.All)).ResourceVersion;
    }
}
