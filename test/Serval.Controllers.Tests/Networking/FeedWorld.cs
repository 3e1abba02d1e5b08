using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Controllers.Networking;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Kube;
using Serval.Routing;

namespace Serval.Controllers.Tests.Networking;

/// <summary>A route feed over an in-memory waist, with sinks that remember.</summary>
internal sealed class FeedWorld : IRouteSink, IEndpointSink, IAsyncDisposable
{
    internal FeedWorld()
    {
        Client = new FakeKubeClient(Time);
        Config = new ServingConfigSource(Client, NullLogger<ServingConfigSource>.Instance);
        Feed = new RouteFeed(Client, Config, this, this, Capacity, Time, Log);
        Reconciler = new IngressReconciler(Client, Feed, Time);
        Reconciler.Started(Due.Enqueue);
    }

    internal ManualTime Time { get; } = new();

    internal LogLines<RouteFeed> Log { get; } = new();

    /// <summary>Which steps of the data plane fail, for example <c>publish</c> or <c>set d/web</c>.</summary>
    internal Func<string, bool> Fails { get; set; } = _ => false;

    /// <summary>While it is not set, a table that is published gets stuck.</summary>
    internal ManualResetEventSlim Open { get; } = new(initialState: true);

    internal FakeKubeClient Client { get; }

    internal ServingConfigSource Config { get; }

    internal RouteFeed Feed { get; }

    internal DirectCapacitySignal Capacity { get; } = new();

    internal IngressReconciler Reconciler { get; }

    internal ConcurrentQueue<ObjectKey> Due { get; } = new();

    internal RouteTable Table { get; private set; } = RouteTable.Empty;

    internal ConcurrentDictionary<BackendKey, EndpointsSnapshot> Endpoints { get; } = new();

    internal ConcurrentQueue<string> Signals { get; } = new();

    public void Publish(RouteTable table)
    {
        Open.Wait();
        Step("publish");
        Table = table;
    }

    public void Set(BackendKey backend, EndpointsSnapshot endpoints)
    {
        Step($"set {backend}");
        Endpoints[backend] = endpoints;
    }

    public void Remove(BackendKey backend)
    {
        Step($"remove {backend}");
        Endpoints.TryRemove(backend, out _);
    }

    public void SetInstance(BackendKey backend, BackendEndpoint endpoint) =>
        Signals.Enqueue($"{backend} {endpoint.Host}:{endpoint.Port} {endpoint.InstanceId} {endpoint.State}");

    private void Step(string what)
    {
        if (Fails(what))
        {
            throw new InvalidOperationException(what);
        }
    }

    internal KubeObject Create(ResourceKind kind, string json)
    {
        var tree = JsonNode.Parse(json)!.AsObject();
        tree["apiVersion"] = kind.ApiVersion;
        tree["kind"] = kind.Kind;
        return Client.CreateAsync(kind, KubeObject.From(tree), WriteOptions.By("test")).Result;
    }

    internal void Patch(ResourceKind kind, string name, string json) =>
        _ = Client.PatchAsync(kind, new ObjectKey("d", name), new KubePatch(PatchType.Merge, System.Text.Encoding.UTF8.GetBytes(json)), WriteOptions.By("test"));

    internal void CreateRevision(string name)
    {
        Create(Kinds.ServerlessService, $$"""{"metadata":{"name":"{{name}}","namespace":"d"},"spec":{"mode":"Proxy"} }""");
        Create(Kinds.Revision, $$"""{"metadata":{"name":"{{name}}","namespace":"d"},"spec":{"containerConcurrency":7,"containers":[{"ports":[{"containerPort":8080}]}]} }""");
        Create(Kinds.Service, $$"""
            {"metadata":{"name":"{{name}}-private","namespace":"d","labels":{"networking.internal.knative.dev/serverlessservice":"{{name}}",
             "networking.internal.knative.dev/serviceType":"Private"} },"spec":{"ports":[{"name":"http","port":80}]} }
            """);
    }

    internal void CreateSlice(string name, string service, string portName, int port, params string[] uids)
    {
        var endpoints = string.Join(',', uids.Select(u => $$"""{"addresses":["127.0.0.1"],"conditions":{"ready":true},"targetRef":{"kind":"Pod","uid":"{{u}}"} }"""));
        Create(Kinds.EndpointSlice, $$"""
            {"metadata":{"name":"{{name}}","namespace":"d","labels":{"kubernetes.io/service-name":"{{service}}"} },
             "ports":[{"name":"{{portName}}","port":{{port}} }],"endpoints":[{{endpoints}}]}
            """);
    }

    internal void CreateIngress(string name, string host, string service, string created = "2026-01-01T00:00:00Z") =>
        Create(Kinds.KIngress, $$"""
            {"metadata":{"name":"{{name}}","namespace":"d","creationTimestamp":"{{created}}"},
             "spec":{"rules":[{"hosts":["{{host}}"],"http":{"paths":[{"splits":[{"serviceName":"{{service}}","serviceNamespace":"d","servicePort":80,"percent":100}]}]} }]} }
            """);

    /// <summary>The revision <c>a-1</c> at <c>a.localhost</c>, by the Ingress <c>a</c>.</summary>
    internal void CreateRoute()
    {
        CreateRevision("a-1");
        CreateIngress("a", "a.localhost", "a-1");
    }

    internal Task DeleteAsync(ResourceKind kind, string name) => Client.DeleteAsync(kind, new ObjectKey("d", name), DeleteOptions.Background);

    internal async Task ReconcileAsync()
    {
        await Feed.IdleAsync();
        while (Due.TryDequeue(out var key))
        {
            await Reconciler.ReconcileAsync(key, CancellationToken.None);
            await Feed.IdleAsync();
        }
    }

    internal string Condition(string name, string type) =>
        Client.Cache(Kinds.KIngress).Get(new ObjectKey("d", name))!.As<KIngress>().Status.Conditions.FirstOrDefault(c => c.Type == type) is { } c
            ? $"{c.Status} {c.Reason} {c.Message}".Trim()
            : "absent";

    internal string? Target(string host) => Table.Match(host, "/")?.Backends[0].Backend.ToString();

    public async ValueTask DisposeAsync()
    {
        Open.Set();
        await Feed.DisposeAsync();
        Open.Dispose();
        Config.Dispose();
    }
}
