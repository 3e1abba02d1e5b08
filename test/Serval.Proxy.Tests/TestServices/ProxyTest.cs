using Serval.Routing;

namespace Serval.Proxy.Tests;

/// <summary>A proxy with one revision behind host <c>h</c>.</summary>
public abstract class ProxyTest : IAsyncLifetime
{
    private static readonly TlsTable s_tls = TlsTable.Empty.With("h", TestCertificate.For("h"));
    private readonly List<IDisposable> _owned = [];

    protected static BackendKey Revision { get; } = BackendKey.Revision("default", "hello-00001");

    protected RecordingDemand Demand { get; } = new();

    private protected RecordingLog Log { get; } = new();

    protected ManualTime Time { get; } = new();

    protected ProxyServer Proxy { get; private set; } = null!;

    /// <summary>What the control plane knows of backends that are not ready.</summary>
    protected Dictionary<BackendKey, string> Causes { get; } = [];

    /// <summary>Whether clients come with TLS.</summary>
    protected virtual bool Secure => false;

    protected virtual ProxyOptions Options => new()
    {
        HttpPort = 0, HttpsPort = Secure ? 0 : null, DemandSink = Demand, WhyNotReady = Causes.GetValueOrDefault, Random = new Random(1), TimeProvider = Time, DrainTimeout = TimeSpan.FromHours(1),
        LoggerFactory = Log,
    };

    public async Task InitializeAsync()
    {
        Proxy = new ProxyServer(Options);
        await Proxy.StartAsync();
        Route(new RevisionPolicy());
    }

    public async Task DisposeAsync()
    {
        foreach (var owned in _owned)
        {
            owned.Dispose();
        }
        await Proxy.DisposeAsync();
    }

    protected T Own<T>(T disposable)
        where T : IDisposable
    {
        lock (_owned)
        {
            _owned.Add(disposable);
        }
        return disposable;
    }

    protected void Publish(RouteTable table) => Proxy.Publish(table.With(table.Version, [], [], s_tls));

    protected void Route(RevisionPolicy policy) => Publish(
        new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = Revision }] }).SetPolicy(Revision, policy).Build(1));

    protected void Ready(params Upstream[] upstreams) =>
        Proxy.Set(Revision, EndpointsSnapshot.Of([.. upstreams.Select((u, i) => u.Endpoint($"i{i}-{u.Port}"))]));

    protected Upstream Serve(Func<Message, string> answer)
    {
        var upstream = Own(Upstream.Answering(answer));
        Ready(upstream);
        return upstream;
    }

    protected Upstream ServeRaw(Func<Wire, Task> serve)
    {
        var upstream = Own(Upstream.Raw(serve));
        Ready(upstream);
        return upstream;
    }

    protected async Task<Wire> ClientAsync() => Own(await (Secure ? Wire.ConnectTlsAsync(Proxy.HttpsPort, "h") : Wire.ConnectAsync(Proxy.HttpPort)));

    /// <summary>Ends when so many requests are held.</summary>
    protected async Task WaitHeldAsync(int count)
    {
        await Poll.UntilAsync(() => Proxy.Held(Revision) == count);
    }
}
