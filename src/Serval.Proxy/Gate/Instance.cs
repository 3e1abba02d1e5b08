using System.Net;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>One instance behind a gate. Its counters and state belong to the gate's lock.</summary>
internal sealed class Instance(BackendEndpoint endpoint, UpstreamPool pool)
{
    private static readonly TimeSpan s_maxBackoff = TimeSpan.FromMilliseconds(500);

    public string Id => endpoint.InstanceId;

    public string Host => endpoint.Host;

    public int Port => endpoint.Port;

    public EndPoint Address { get; } =
        IPAddress.TryParse(endpoint.Host, out var ip) ? new IPEndPoint(ip, endpoint.Port) : new DnsEndPoint(endpoint.Host, endpoint.Port);

    public UpstreamPool Pool { get; } = pool;

    public EndpointState State { get; set; } = endpoint.State;

    /// <summary>Requests and upgraded connections.</summary>
    public int InFlight { get; set; }

    /// <summary>Those of them that are upgraded connections.</summary>
    public int Upgraded { get; set; }

    /// <summary>
    /// Failed connection attempts in a row, where those of one back-off count once; while there are any, one request at a time tries.
    /// </summary>
    public int Failures { get; private set; }

    public long SuspectUntil { get; private set; }

    public bool OnTrial { get; set; }

    /// <summary>Who waits for the end of its requests, or of its upgraded connections too.</summary>
    public List<(TaskCompletionSource Idle, bool UpgradedToo)>? IdleWaiters { get; set; }

    public bool IsIdle(bool upgradedToo) => InFlight == (upgradedToo ? 0 : Upgraded);

    public bool Is(BackendEndpoint other) => other.Host == Host && other.Port == Port && other.InstanceId == Id;

    /// <summary>Leaves it alone for a moment, longer each time. Connections that were tried together fail together: that is one failure.</summary>
    public void MarkFailed(long now, TimeProvider time)
    {
        if (Failures > 0 && now < SuspectUntil)
        {
            return;
        }
        OnTrial = false;
        var backoff = TimeSpan.FromMilliseconds(1 << Math.Min(++Failures, 9));
        backoff = backoff < s_maxBackoff ? backoff : s_maxBackoff;
        SuspectUntil = now + (long)(backoff.TotalSeconds * time.TimestampFrequency);
    }

    public void MarkGood()
    {
        Failures = 0;
        OnTrial = false;
    }
}
