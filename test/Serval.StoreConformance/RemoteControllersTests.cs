using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Batch;
using Serval.Api.Core;
using Serval.ApiServer.Store;
using Serval.Controllers;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Workloads;
using Serval.Kube;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>
/// All reconcilers and the garbage collector, the users', node's and gateway's writes coming from another process: over the embedded client, and over
/// HTTPS on a slow line that is cut now and then. The end is the same.
/// </summary>
public sealed partial class RemoteControllersTests
{
    private static readonly ResourceKind[] s_shown =
    [
        Kinds.KService, Kinds.Configuration, Kinds.Revision, Kinds.Route, Kinds.KIngress, Kinds.PodAutoscaler, Kinds.ServerlessService, Kinds.Deployment,
        Kinds.ReplicaSet, Kinds.Pod, Kinds.Service, Kinds.Endpoints, Kinds.ConfigMap, Kinds.Namespace, Kinds.ServiceAccount, BatchKinds.Job, Kinds.CustomResourceDefinition,
    ];

    [Fact]
    public async Task Controllers_OverAnEmbeddedClient_ReachTheEnd() => await RunAsync(seed: null);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Controllers_OverABadLine_ReachTheSameEnd(int seed)
    {
        var expected = await RunAsync(seed: null);
        await RunAsync(seed, expected);
    }

    /// <summary>What there is in the end.</summary>
    private static async Task<List<string>> RunAsync(int? seed, List<string>? expected = null)
    {
        await using var server = await ServedStore.OpenAsync(new StoreOptions { MaxChanges = 400 });
        await using var line = new CutLine(server.Port, TimeSpan.FromMilliseconds(2));
        await using var remote = ServedStore.Connect(server.Access with { Server = new Uri($"https://127.0.0.1:{line.Port}") }, new HurriedTime());
        IKubeClient client = seed is null ? server.Embedded : Watchful.Over<IKubeClient>(remote);
        using var others = new Others(server.Embedded);
        using var config = new ServingConfigSource(client, NullLogger<ServingConfigSource>.Instance);
        await using var autoscaler = new AutoscalerHost(client, config, TimeProvider.System, NullLogger<AutoscalerHost>.Instance);
        await using var controllers = new ControllerHost(client, NoEvents.Instance, TimeProvider.System, NullLogger<ControllerHost>.Instance)
            .AddDefinitions(client, TimeProvider.System)
            .AddWorkloads(client, rootCa: null, NoEvents.Instance, TimeProvider.System)
            .AddServing(client, new Images(), config, () => new GatewayPorts(80, 8080, 443, 8443), NoEvents.Instance, TimeProvider.System)
            .AddAutoscaler(client, autoscaler, config, () => [new GatewayAddress("10.9.9.9", 8080)], new NoUsage(), NoEvents.Instance, TimeProvider.System);
        await using var collector = new GarbageCollector(client, TimeProvider.System, NullLogger<GarbageCollector>.Instance);
        var user = new User(server.Embedded);
        await user.BeginAsync();
        await controllers.StartAsync(CancellationToken.None);
        await collector.StartAsync(CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var cutting = CutAsync(line, seed, stop.Token);
        await user.WorkAsync();
        await stop.CancelAsync();
        await cutting;
        Assert.True(seed is null || line.Cuts > 3, $"seed {seed}: only {line.Cuts} connections were cut");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await Poll.UntilAsync(() => clock.Elapsed > TimeSpan.FromSeconds(40) || user.IsOver && (expected is null || Show(server.Embedded).SequenceEqual(expected)));
        var shown = Show(server.Embedded);
        var differs = $"- {string.Join("\n- ", (expected ?? []).Except(shown))}\n+ {string.Join("\n+ ", shown.Except(expected ?? []))}";
        Assert.True(expected is null || shown.SequenceEqual(expected), $"seed {seed}:\n{differs}");
        Assert.True(user.IsOver, $"seed {seed}, pending {controllers.Pending}:\n{string.Join('\n', shown)}");
        return shown;
    }

    [Fact]
    public async Task Job_WhosePodsAreMadeWithoutAnAnswer_RunsAsOftenAsWanted()
    {
        await using var server = await ServedStore.OpenAsync(new StoreOptions());
        await using var line = new CutLine(server.Port, TimeSpan.FromMilliseconds(2));
        await using var remote = ServedStore.Connect(server.Access with { Server = new Uri($"https://127.0.0.1:{line.Port}") }, new HurriedTime());
        await new User(server.Embedded).BeginAsync();
        using var others = new Others(server.Embedded);
        using var cutting = server.Embedded.Cache(Kinds.Pod).Subscribe(change =>
        {
            if (change.Type == WatchEventType.Added)
            {
                line.Cut(); // before the answer has gone
            }
        });
        await using var controllers = new ControllerHost(remote, NoEvents.Instance, TimeProvider.System, NullLogger<ControllerHost>.Instance)
            .AddWorkloads(remote, rootCa: null, NoEvents.Instance, TimeProvider.System);
        await controllers.StartAsync(CancellationToken.None);
        await server.Embedded.CreateAsync(BatchKinds.Job, Parse("""
            {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j","namespace":"n1"},"spec":{"completions":4,"parallelism":2,
             "template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}
            """), Write);
        var job = server.Embedded.Cache(BatchKinds.Job);
        await Poll.UntilAsync(() => job.Get(new ObjectKey("n1", "j"))!.As<Job>().Status.Conditions.Any(c => c is { Type: "Complete", Status: "True" }));
        Assert.True(line.Cuts > 1, $"only {line.Cuts} connections were cut");
        Assert.Equal(4, server.Embedded.Cache(Kinds.Pod).List("n1").Count);
    }

    private static async Task CutAsync(CutLine line, int? seed, CancellationToken ct)
    {
        var random = new Random(seed ?? 0);
        while (seed is not null && !ct.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(100, 500)), TimeProvider.System, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            line.Cut();
        }
    }

    private static List<string> Show(IKubeClient client) => [.. s_shown.SelectMany(kind => client.Cache(kind).List().Select(o => Show(kind, o))).Order(StringComparer.Ordinal)];

    private static string Show(ResourceKind kind, KubeObject obj)
    {
        var name = kind == Kinds.Pod ? obj.Metadata.GenerateName : obj.Metadata.Name;
        var tree = obj.ToTree();
        var conditions = string.Join(' ', (tree["status"]?["conditions"] as JsonArray ?? []).Select(c => $"{c!["type"]}={c["status"]}").Order(StringComparer.Ordinal));
        var owners = string.Join(' ', obj.Metadata.OwnerReferences.Select(r => $"{r.Kind}/{r.Name}"));
        // A ReplicaSet's hash is of a template that names uids.
        return Hash().Replace($"{kind.Kind} {obj.Metadata.Namespace}/{name} generation {obj.Metadata.Generation} of [{owners}] replicas {tree["spec"]?["replicas"]} {tree["status"]?["phase"]}: {conditions}", "deployment-#");
    }

    [GeneratedRegex("deployment-[a-z0-9]{10}", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Hash();

    /// <summary>Whoever writes Services, Deployments, Jobs and custom objects, changes his mind, and deletes.</summary>
    private sealed class User(IKubeClient client)
    {
        public bool IsOver => client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n2")) is null
            && client.Cache(Kinds.CustomResourceDefinition).Get(ObjectKey.Cluster("widgets.example.com")) is null
            && client.Cache(Kinds.ConfigMap).Get(new ObjectKey("n1", "of-a")) is null
            && new[] { "s0", "s1", "s2" }.All(s => IsReady(Kinds.KService, s, s == "s2" ? 1 : 2))
            && client.Cache(Kinds.KService).Get(new ObjectKey("n1", "s3")) is null
            && client.Cache(Kinds.Revision).List("n1").Count == 5 && client.Cache(Kinds.KIngress).List("n1").Count == 3 && client.Cache(Kinds.ServerlessService).List("n1").Count == 5
            && client.Cache(Kinds.Deployment).List("n1").All(d => Number(d, "status", "readyReplicas") == Number(d, "spec", "replicas") && Number(d, "status", "replicas") == Number(d, "spec", "replicas"))
            && client.Cache(Kinds.Deployment).List("n1").All(d => Number(d, "status", "observedGeneration") == d.Metadata.Generation)
            && client.Cache(Kinds.Pod).List("n1").Count == 5 + 1 + 2
            && Condition(BatchKinds.Job, "j", "Complete") == "True"
            && client.Cache(Kinds.ServerlessService).List("n1").All(s => Condition(Kinds.ServerlessService, s.Metadata.Name, "Ready") == "True")
            && client.Cache(Kinds.PodAutoscaler).List("n1").All(p => Condition(Kinds.PodAutoscaler, p.Metadata.Name, "Ready") == "True")
            && client.Cache(Kinds.Revision).List("n1").All(r => Condition(Kinds.Revision, r.Metadata.Name, "Ready") == "True");

        public async Task BeginAsync()
        {
            foreach (var name in (string[])["n1", "n2", "knative-serving"])
            {
                await client.CreateAsync(Kinds.Namespace, Objects.Namespace(name), Write);
            }
            await client.CreateAsync(Kinds.Node, Parse("""
                {"apiVersion":"v1","kind":"Node","metadata":{"name":"node"},"status":{"allocatable":{"cpu":"64","memory":"64Gi","pods":"100"},"conditions":[{"type":"Ready","status":"True"}]}}
                """), Write);
        }

        public async Task WorkAsync()
        {
            for (var i = 0; i < 4; i++)
            {
                await client.CreateAsync(Kinds.KService, Service("n1", $"s{i}", "one"), Users);
            }
            await client.CreateAsync(Kinds.KService, Service("n2", "s", "one"), Users);
            await client.CreateAsync(Kinds.Deployment, Parse("""
                {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"plain","namespace":"n1"},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"plain"}},
                 "template":{"metadata":{"labels":{"app":"plain"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}
                """), Users);
            await client.CreateAsync(Kinds.Service, Parse("""
                {"apiVersion":"v1","kind":"Service","metadata":{"name":"plain","namespace":"n1"},"spec":{"selector":{"app":"plain"},"ports":[{"port":80}]}}
                """), Users);
            await client.CreateAsync(BatchKinds.Job, Parse("""
                {"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j","namespace":"n1"},"spec":{"completions":2,"parallelism":1,
                 "template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}
                """), Users);
            await client.CreateAsync(Kinds.CustomResourceDefinition, Parse("""
                {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.example.com"},
                 "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
                  "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
                """), Users);
            await Poll.UntilAsync(() => client.ServedKinds.Find("example.com/v1", "Widget") is not null);
            var widgets = client.ServedKinds.Find("example.com/v1", "Widget")!;
            foreach (var (ns, name) in (IEnumerable<(string, string)>)[("n1", "a"), ("n1", "b"), ("n2", "c")])
            {
                var widget = await client.CreateAsync(widgets, Parse($$$"""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}"} }"""), Users);
                await client.CreateAsync(Kinds.ConfigMap, Parse($$$"""
                    {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"of-{{{name}}}","namespace":"{{{ns}}}",
                     "ownerReferences":[{"apiVersion":"example.com/v1","kind":"Widget","name":"{{{name}}}","uid":"{{{widget.Metadata.Uid}}}"}]} }
                    """), Users);
            }
            await Poll.UntilAsync(() => Enumerable.Range(0, 4).All(i => IsReady(Kinds.KService, $"s{i}", 1)));
            foreach (var name in (string[])["s0", "s1"])
            {
                await client.PatchAsync(Kinds.KService, new ObjectKey("n1", name), Merge("""{"spec":{"template":{"metadata":{"annotations":{"x":"two"}}}}}"""), Users);
            }
            await client.PatchAsync(Kinds.Deployment, new ObjectKey("n1", "plain"), Merge("""{"spec":{"replicas":1}}"""), Users);
            await client.DeleteAsync(Kinds.KService, new ObjectKey("n1", "s3"), DeleteOptions.Background);
            await client.DeleteAsync(widgets, new ObjectKey("n1", "a"), new DeleteOptions { PropagationPolicy = "Foreground" });
            await client.DeleteAsync(Kinds.Namespace, ObjectKey.Cluster("n2"), DeleteOptions.Background);
            await Poll.UntilAsync(() => client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster("n2")) is null);
            await client.DeleteAsync(Kinds.CustomResourceDefinition, ObjectKey.Cluster("widgets.example.com"), DeleteOptions.Background);
        }

        private static WriteOptions Users => new() { FieldManager = "user", User = "user" };

        private bool IsReady(ResourceKind kind, string name, int generation) => client.Cache(kind).Get(new ObjectKey("n1", name)) is { } obj
            && obj.Metadata.Generation == generation && Number(obj, "status", "observedGeneration") == generation && Condition(kind, name, "Ready") == "True";

        private string? Condition(ResourceKind kind, string name, string type) =>
            (client.Cache(kind).Get(new ObjectKey("n1", name))?.ToTree()["status"]?["conditions"] as JsonArray)?.Where(c => (string?)c!["type"] == type).Select(c => (string?)c!["status"]).FirstOrDefault();

        private static long Number(KubeObject obj, string part, string field) => (long?)obj.ToTree()[part]?[field] ?? 0;

        private static KubeObject Service(string ns, string name, string version) => Parse($$$"""
            {"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}"},
             "spec":{"template":{"metadata":{"annotations":{"x":"{{{version}}}","autoscaling.knative.dev/min-scale":"1"}},"spec":{"containers":[{"image":"example.com/i"}]} } } }
            """);
    }

    /// <summary>The node and the gateway: they make pods run and end, and Ingresses ready, through a client of their own.</summary>
    private sealed class Others : IDisposable
    {
        private readonly IKubeClient _client;
        private readonly List<IDisposable> _subscriptions;

        public Others(IKubeClient client)
        {
            _client = client;
            _subscriptions = [client.Cache(Kinds.Pod).Subscribe(c => _ = Task.Run(() => RunAsync(c))), client.Cache(Kinds.KIngress).Subscribe(c => _ = Task.Run(() => ServeAsync(c)))];
        }

        public void Dispose() => _subscriptions.ForEach(s => s.Dispose());

        private async Task RunAsync(CacheChange change)
        {
            var pod = change.New.As<Pod>();
            if (change.Type == WatchEventType.Deleted || pod.Spec.NodeName.Length == 0)
            {
                return;
            }
            try
            {
                if (pod.Metadata.IsDeleting)
                {
                    await _client.DeleteAsync(Kinds.Pod, change.New.Key, new DeleteOptions { GracePeriodSeconds = 0, Uid = pod.Metadata.Uid });
                }
                else if (pod.Status.Phase == "Pending")
                {
                    var ends = pod.Spec.RestartPolicy == "Never";
                    var status = ends
                        ? """{"status":{"phase":"Succeeded"}}"""
                        : """{"status":{"phase":"Running","podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"},{"type":"ContainersReady","status":"True"}]}}""";
                    await _client.PatchAsync(Kinds.Pod, change.New.Key, Merge(status), WriteOptions.By("node", "status"));
                }
            }
            catch (ApiException e) when (e.IsNotFound || e.IsConflict)
            {
                return;
            }
        }

        private async Task ServeAsync(CacheChange change)
        {
            var generation = change.New.Metadata.Generation;
            if (change.Type == WatchEventType.Deleted || StatusFields.Of(change.New)["observedGeneration"] is JsonValue seen && seen.GetValue<long>() == generation)
            {
                return;
            }
            try
            {
                await _client.PatchAsync(Kinds.KIngress, change.New.Key, Merge($$$"""
                    {"status":{"observedGeneration":{{{generation}}},"conditions":[{"type":"Ready","status":"True"},{"type":"NetworkConfigured","status":"True"},{"type":"LoadBalancerReady","status":"True"}],
                     "publicLoadBalancer":{"ingress":[{"domainInternal":"gateway.knative-serving.svc.cluster.local"}]},
                     "privateLoadBalancer":{"ingress":[{"domainInternal":"gateway-private.knative-serving.svc.cluster.local"}]} } }
                    """), WriteOptions.By("gateway", "status"));
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                return;
            }
        }
    }

    /// <summary>A client, or a cache of it, whose caches must not be read before they are there.</summary>
    public class Watchful : DispatchProxy
    {
        private object _inner = null!;

        public static T Over<T>(T inner)
            where T : class
        {
            var over = Create<T, Watchful>();
            ((Watchful)(object)over)._inner = inner;
            return over;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var early = _inner is IObjectCache cache && targetMethod!.Name is (nameof(IObjectCache.Get) or nameof(IObjectCache.List) or nameof(IObjectCache.OwnedBy))
                && !cache.WaitForSyncAsync().IsCompleted;
            if (early)
            {
                throw new InvalidOperationException($"{targetMethod!.Name} of {((IObjectCache)_inner).Kind} was called before the cache was there: name the kind in IReconciler.Reads");
            }
            var result = targetMethod!.Invoke(_inner, args);
            return result is IObjectCache { Kind.Shape: null } found ? Over(found) : result;
        }
    }

    private sealed class Images : IImageResolver
    {
        public ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct) => new(new ResolvedImage("sha256:1", reference + "@sha256:" + new string('1', 64)));
    }

    private sealed class NoUsage : IPodUsage
    {
        public PodUsage? UsageOf(string uid) => null;
    }
}
