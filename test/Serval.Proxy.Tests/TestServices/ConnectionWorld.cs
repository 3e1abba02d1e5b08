using Microsoft.Extensions.Logging.Abstractions;
using Serval.Routing;

namespace Serval.Proxy.Tests;

/// <summary>One client's connection between two wires the test holds, with one instance behind host <c>h</c>.</summary>
internal sealed class ConnectionWorld : IProxyCore
{
    private readonly UpstreamPool _pool;
    private readonly Gate _gate;

    public ConnectionWorld(RevisionPolicy? policy = null)
    {
        Options = new ProxyOptions { TimeProvider = Time, LoggerFactory = NullLoggerFactory.Instance };
        Telemetry = new ProxyTelemetry(Options);
        HandlerUpstream = new HandlerUpstream(Options);
        _pool = new UpstreamPool(Time, Options.UpstreamIdleTimeout);
        var key = BackendKey.Revision("n", "r");
        _gate = new Gate(key, policy ?? new RevisionPolicy(), new GateServices(Time, Picker, new DemandReporter(null, Time), 100, _ => _pool));
        _gate.SetLevel(EndpointsSnapshot.Of(new BackendEndpoint("127.0.0.1", 1, "i")));
        Snapshot = ProxySnapshot.Empty.With(
            new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = key }] }).Build(1), _ => _gate);
        Connection = new Http1Connection(this, Client, inside: true);
    }

    public ManualTime Time { get; } = new();

    public FakeTransport Client { get; } = new();

    public Http1Connection Connection { get; }

    public ProxyOptions Options { get; }

    public ProxySnapshot Snapshot { get; }

    public Picker Picker { get; } = new(new Random(1));

    public ProxyTelemetry Telemetry { get; }

    public HandlerUpstream HandlerUpstream { get; }

    public IRequestLog? RequestLog => null;

    public bool Draining => false;

    public int HttpsPort => 0;

    public int InFlight => _gate.InFlightOf("i");

    /// <summary>A connection to the instance, unused so far: the next request takes it.</summary>
    public FakeTransport Connect()
    {
        var transport = new FakeTransport();
        new UpstreamConnection(transport, _pool).Return(Time.GetTimestamp());
        return transport;
    }

    /// <summary>Runs the scan for deadlines after some time.</summary>
    public void Pass(TimeSpan time)
    {
        Time.Advance(time);
        Connection.CheckDeadlines(Time.GetTimestamp());
    }

    public bool TryHandOver(SocketTransport transport, byte[] received, bool inside) => false;

    public void Ended(Http1Connection connection)
    {
    }
}
