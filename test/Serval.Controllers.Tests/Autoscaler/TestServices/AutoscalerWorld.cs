using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Autoscaling;
using Serval.Controllers.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Kube;

namespace Serval.Controllers.Tests.Autoscaler;

/// <summary>One revision with its deployment and pods, the autoscaler around it, and a clock.</summary>
internal sealed class AutoscalerWorld : IAsyncDisposable
{
    internal static readonly ObjectKey Key = new("default", "hello-00001");
    private static readonly ObjectKey s_deployment = new("default", "hello-00001-deployment");

    private readonly IReconciler[] _reconcilers;
    private readonly ServingConfigSource _config;

    internal AutoscalerWorld(int replicas = 1, string annotations = "{}", string reachability = "Reachable", IReadOnlyDictionary<string, string>? settings = null)
    {
        Client = new FakeKubeClient(Time);
        if (settings is not null)
        {
            Create(Kinds.ConfigMap, new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = "config-autoscaler", ["namespace"] = "knative-serving" },
                ["data"] = JsonMaps.ToJson(settings),
            });
        }
        _config = new ServingConfigSource(Client, NullLogger<ServingConfigSource>.Instance);
        Host = NewHost();
        _reconcilers =
        [
            new PodAutoscalerReconciler(Client, Host, _config, NoEvents.Instance, Time),
            new ServerlessServiceReconciler(Client, () => [new GatewayAddress("127.0.0.1", 8880)], NoEvents.Instance, Time),
        ];
        var labels = """{"serving.knative.dev/revision":"hello-00001","serving.knative.dev/revisionUID":"rev-uid"}""";
        Create(Kinds.Deployment, JsonNode.Parse($$"""
            {"metadata":{"name":"hello-00001-deployment","namespace":"default","labels":{{labels}}},
             "spec":{"replicas":{{replicas}},"selector":{"matchLabels":{"serving.knative.dev/revisionUID":"rev-uid"} } } }
            """)!.AsObject());
        Create(Kinds.ReplicaSet, JsonNode.Parse("""
            {"metadata":{"name":"hello-rs","namespace":"default","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment",
             "name":"hello-00001-deployment","uid":"uid-deployments-hello-00001-deployment","controller":true}]}}
            """)!.AsObject());
        Create(Kinds.PodAutoscaler, JsonNode.Parse($$"""
            {"metadata":{"name":"hello-00001","namespace":"default","labels":{{labels}},"annotations":{{annotations}} },
             "spec":{"reachability":"{{reachability}}","protocolType":"http1","scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"hello-00001-deployment"} } }
            """)!.AsObject());
    }

    internal ManualTime Time { get; } = new();

    internal LogLines<AutoscalerHost> Log { get; } = new();

    internal FakeKubeClient Client { get; }

    internal AutoscalerHost Host { get; private set; }

    internal KubeObject Stored => Client.Cache(Kinds.PodAutoscaler).Get(Key)!;

    internal PodAutoscalerStatus Status => Stored.As<PodAutoscaler>().Status;

    internal int Replicas => RevisionFacts.Replicas(Client.Cache(Kinds.Deployment).Get(s_deployment));

    internal string Condition(string type) => Status.Conditions.FirstOrDefault(c => c.Type == type) is { } c ? $"{c.Status} {c.Reason}".Trim() : "absent";

    internal AutoscalerHost NewHost() => new(Client, _config, Time, Log);

    /// <summary>Runs the reconcilers until nothing is written, as events would.</summary>
    internal async Task ReconcileAsync()
    {
        long before;
        do
        {
            before = Client.Version;
            foreach (var reconciler in _reconcilers)
            {
                await reconciler.ReconcileAsync(Key, CancellationToken.None);
            }
            await Host.SettledAsync();
        }
        while (before != Client.Version);
    }

    /// <summary>Reconciles, and again after statuses have trailed.</summary>
    internal async Task RestAsync()
    {
        await ReconcileAsync();
        Time.Advance(TimeSpan.FromMilliseconds(1050));
        await ReconcileAsync();
    }

    /// <summary>Makes as many pods ready as are asked for.</summary>
    internal void FollowReplicas(bool ready = true)
    {
        var pods = Client.Cache(Kinds.Pod).List();
        foreach (var pod in pods.Skip(Replicas))
        {
            _ = Client.DeleteAsync(Kinds.Pod, pod.Key, DeleteOptions.Background);
        }
        for (var i = pods.Count; i < Replicas; i++)
        {
            Create(Kinds.Pod, JsonNode.Parse($$"""
                {"metadata":{"name":"pod-{{Guid.NewGuid():N}}","namespace":"default","ownerReferences":[{"kind":"ReplicaSet","name":"hello-rs","uid":"uid-replicasets-hello-rs","controller":true}]},
                 "spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"100m"} } }]},
                 "status":{"conditions":[{"type":"Ready","status":"{{ready}}"}]} }
                """)!.AsObject());
        }
    }

    /// <summary>Moves the clock in ticks, with pods following and reconcilers running.</summary>
    internal async Task PassAsync(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += AutoscalerHost.TickInterval)
        {
            Time.Advance(AutoscalerHost.TickInterval);
            await Host.SettledAsync();
            FollowReplicas();
            await ReconcileAsync();
        }
    }

    internal void Report(int inFlight, int held = 0, double average = 0, long requests = 0) =>
        Host.Report("gateway", [new RevisionDemand(Key, inFlight, held, average, requests)]);

    internal KubeObject Create(ResourceKind kind, JsonObject tree)
    {
        tree["apiVersion"] = kind.ApiVersion;
        tree["kind"] = kind.Kind;
        return Client.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test")).Result;
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _config.Dispose();
    }
}
