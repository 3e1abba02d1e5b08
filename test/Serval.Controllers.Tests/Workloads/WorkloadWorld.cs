using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Api.Core;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Controllers.Workloads.Jobs;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Workload controllers over an in-memory waist, run by its events on the test's thread, with pods that get ready when the test says so.</summary>
internal sealed class WorkloadWorld
{
    internal const string Namespace = "n1";
    internal const string RootCa = "the authority";

    private readonly IReconciler[] _reconcilers;
    private readonly Queue<(IReconciler Reconciler, ObjectKey Key)> _due = new();
    private readonly Dictionary<(IReconciler Reconciler, ObjectKey Key), DateTimeOffset> _later = [];

    internal WorkloadWorld()
    {
        Client = new FakeKubeClient(Time);
        var room = new NodeRoom(Client);
        _reconcilers =
        [
            new DeploymentReconciler(Client, NoEvents.Instance, Time), new ReplicaSetReconciler(Client, room, NoEvents.Instance, Time),
            new JobReconciler(Client, room, NoEvents.Instance, Time),
            new PodBindingReconciler(Client, room, NoEvents.Instance, Time), new EndpointsReconciler(Client, Time), new NamespaceReconciler(Client, RootCa, Time), new QuotaReconciler(Client, Time),
            new DisruptionReconciler(Client, NoEvents.Instance, Time), new NodeLife(Client, NoEvents.Instance, Time),
        ];
        foreach (var reconciler in _reconcilers)
        {
            reconciler.Started(key => Enqueue(reconciler, key));
            Client.Cache(reconciler.Kind).Subscribe(c => Enqueue(reconciler, c.New.Key));
            foreach (var watch in reconciler.Watches)
            {
                Client.Cache(watch.Kind).Subscribe(c =>
                {
                    foreach (var key in watch.Map(c))
                    {
                        Enqueue(reconciler, key);
                    }
                });
            }
        }
    }

    internal ManualTime Time { get; } = new();

    internal FakeKubeClient Client { get; }

    internal IReadOnlyList<KubeObject> Sets => [.. Client.Cache(Kinds.ReplicaSet).List().OrderBy(s => SetFacts.Of(s).Revision)];

    /// <summary>Pods that nobody has asked to stop.</summary>
    internal IReadOnlyList<KubeObject> Pods => [.. Client.Cache(Kinds.Pod).List().Where(p => !p.Metadata.IsDeleting).OrderBy(p => p.Metadata.Name, StringComparer.Ordinal)];

    /// <summary>Each ReplicaSet's wanted replicas, oldest rollout first.</summary>
    internal string Sizes => string.Join(' ', Sets.Select(s => s.As<ReplicaSet>().Spec.Replicas));

    internal KubeObject Deployment(string name = "d") => Client.Cache(Kinds.Deployment).Get(new ObjectKey(Namespace, name))!;

    internal string Condition(string type, string name = "d") =>
        Deployment(name).As<Deployment>().Status.Conditions.FirstOrDefault(c => c.Type == type) is { } c ? $"{c.Status} {c.Reason}" : "absent";

    internal KubeObject Create(ResourceKind kind, string json)
    {
        var tree = JsonNode.Parse(json)!.AsObject();
        (tree["apiVersion"], tree["kind"]) = (kind.ApiVersion, kind.Kind);
        tree["metadata"]!["namespace"] = Namespace;
        return Client.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test")).Result;
    }

    /// <summary>A Deployment "d" of image "1", as defaulting leaves it.</summary>
    internal async Task DeployAsync(int replicas, string spec = "{}", string name = "d")
    {
        var tree = JsonNode.Parse($$$$"""
            {"replicas":{{{{replicas}}}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600,"selector":{"matchLabels":{"app":"{{{{name}}}}"}},
             "strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"}},
             "template":{"metadata":{"labels":{"app":"{{{{name}}}}"}},"spec":{"containers":[{"name":"c","image":"1"}]}}}
            """)!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(spec)!.AsObject())
        {
            tree[key] = value?.DeepClone();
        }
        Create(Kinds.Deployment, $$"""{"metadata":{"name":"{{name}}"},"spec":{{tree.ToJsonString()}} }""");
        await SettleAsync();
    }

    /// <summary>Deploys and lets every pod get ready.</summary>
    internal async Task DeployReadyAsync(int replicas, string spec = "{}")
    {
        await DeployAsync(replicas, spec);
        await ReadyAllAsync();
    }

    internal Task PatchAsync(string spec) => PatchAsync(Kinds.Deployment, "d", $$"""{"spec":{{spec}} }""");

    internal async Task PatchAsync(ResourceKind kind, string name, string patch)
    {
        await Client.PatchAsync(kind, new ObjectKey(Namespace, name), new KubePatch(PatchType.Merge, Encoding.UTF8.GetBytes(patch)), WriteOptions.By("test"));
        await SettleAsync();
    }

    /// <summary>Another pod template.</summary>
    internal Task RollAsync(string image) => PatchAsync($$$$"""{"template":{"spec":{"containers":[{"name":"c","image":"{{{{image}}}}"}]}}}""");

    internal static string ImageOf(KubeObject pod) => pod.As<Pod>().Spec.Containers[0].Image;

    internal static bool IsReady(KubeObject pod) => PodFacts.IsReady(pod.As<Pod>());

    internal async Task ReadyAsync(KubeObject pod, bool ready = true)
    {
        await PatchAsync(Kinds.Pod, pod.Metadata.Name, $$$$"""
            {"status":{"phase":"Running","podIP":"127.0.0.1","conditions":[
             {"type":"Ready","status":"{{{{(ready ? "True" : "False")}}}}","lastTransitionTime":"{{{{Time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}}}}"}]}}
            """);
    }

    /// <summary>Makes pods ready, and what follows from them, until nothing moves any more.</summary>
    internal async Task ReadyAllAsync(Func<KubeObject, bool>? which = null)
    {
        while (Pods.FirstOrDefault(p => !IsReady(p) && which?.Invoke(p) != false) is { } pod)
        {
            await ReadyAsync(pod);
            await RestAsync();
        }
        await RestAsync();
    }

    /// <summary>Lets trailing statuses be written.</summary>
    internal Task RestAsync() => PassAsync(TimeSpan.FromSeconds(5));

    /// <summary>Lets every controller look at everything once more, and what follows from that.</summary>
    internal async Task LookAgainAsync()
    {
        foreach (var reconciler in _reconcilers)
        {
            foreach (var obj in Client.Cache(reconciler.Kind).List())
            {
                Enqueue(reconciler, obj.Key);
            }
        }
        await RestAsync();
    }

    /// <summary>Runs what is due now.</summary>
    internal async Task SettleAsync()
    {
        for (var runs = 0; _due.TryDequeue(out var item); runs++)
        {
            Assert.True(runs < 10_000, $"{item.Reconciler.Name} {item.Key} does not come to rest");
            _later.Remove(item);
            try
            {
                var result = await item.Reconciler.ReconcileAsync(item.Key, CancellationToken.None);
                if (result.RequeueAfter is { } after)
                {
                    _later[item] = Time.Steady + after;
                }
            }
            catch (ApiException e) when (e.IsConflict || e.IsNotFound || e.IsAlreadyExists)
            {
                _due.Enqueue(item);
            }
            catch (ApiException e) when (e.IsRejection)
            {
                _later[item] = Time.Steady + TimeSpan.FromSeconds(30); // as after a few of the host's retries
            }
        }
    }

    internal async Task PassAsync(TimeSpan time)
    {
        await SettleAsync();
        var end = Time.Steady + time;
        while (_later.Count > 0 && _later.MinBy(l => l.Value) is var (item, due) && due <= end)
        {
            Time.Advance(due - Time.Steady);
            _later.Remove(item);
            _due.Enqueue(item);
            await SettleAsync();
        }
        Time.Advance(end - Time.Steady);
    }

    private void Enqueue(IReconciler reconciler, ObjectKey key)
    {
        if (!_due.Contains((reconciler, key)))
        {
            _due.Enqueue((reconciler, key));
        }
    }
}
