using System.Net.Sockets;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>What interrupts the flow: deadlines, found by a scan, and a client that goes away. Deadlines are time stamps.</summary>
internal sealed partial class Http1Connection
{
    private const long NotAsked = long.MaxValue;
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(1);
    private readonly Lock _sync = new();
    private Phase _phase = Phase.Busy; // guarded by _sync, as all below; nothing to interrupt until it reads
    private Waiter? _waiter;
    private Socket? _connecting;
    private bool _clientGone;
    private RequestOutcome _abort;
    private long _readAt;
    private long _connectAt;
    private long _wholeAt;
    private long _startAt;
    private long _idleTicks;
    private long _lastActivity;
    private long _askedAt = NotAsked; // when the client of an upgraded connection said what has no answer yet; written by its two flows

    // Written by the flow only.
    private long _writeAt = long.MaxValue;
    private long _started;
    private long _now;
    private bool _handedOver;

    /// <summary>Called by the scan.</summary>
    public void CheckDeadlines(long now)
    {
        lock (_sync)
        {
            if (now >= Volatile.Read(ref _writeAt))
            {
                _client.Close(reset: true); // the flow is waiting for the client to read
                return;
            }
            switch (_phase)
            {
                case Phase.Reading or Phase.Lingering when now >= _readAt:
                    _client.Close();
                    break;
                case Phase.Held:
                    CheckHeld(now);
                    break;
                case Phase.Connecting:
                    CheckConnecting(now);
                    break;
                case Phase.Forwarding or Phase.Relaying or Phase.Spliced:
                    CheckAtInstance(now);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>The client closed or reset the connection.</summary>
    public void OnPeerGone()
    {
        lock (_sync)
        {
            LoseClient();
        }
    }

    /// <summary>The server shuts down: connections without a request and upgraded ones end now, the others after their request.</summary>
    public void EndSoon()
    {
        lock (_sync)
        {
            if (_phase == Phase.Reading && _input.Count == 0)
            {
                _client.Close();
            }
            else if (_phase == Phase.Spliced)
            {
                _upstream!.Transport.Close(); // as if the instance went away: the client is told
            }
        }
    }

    /// <summary>The server's patience is over.</summary>
    public void Abort()
    {
        lock (_sync)
        {
            _client.Close(reset: true);
            LoseClient();
        }
    }

    /// <summary>Sends to the client; whatever the request's own deadlines, a client that does not read is not waited for long.</summary>
    private ValueTask<bool> SendToClientAsync(ReadOnlyMemory<byte> bytes)
    {
        var sending = _client.SendAsync(bytes);
        return sending.IsCompleted ? sending : WatchSendAsync(sending);
    }

    private async ValueTask<bool> WatchSendAsync(ValueTask<bool> sending)
    {
        Volatile.Write(ref _writeAt, After(_core.Options.TimeProvider.GetTimestamp(), _core.Options.ClientWriteTimeout));
        var sent = await sending;
        Volatile.Write(ref _writeAt, long.MaxValue);
        return sent;
    }

    private void LoseClient()
    {
        _clientGone = true;
        switch (_phase)
        {
            case Phase.Held:
                _gate!.Cancel(_waiter!, RequestOutcome.ClientAborted);
                break;
            case Phase.Connecting:
                _abort = RequestOutcome.ClientAborted;
                _connecting?.Dispose();
                break;
            case Phase.Forwarding or Phase.Relaying:
                AbortUpstream(RequestOutcome.ClientAborted);
                break;
            default:
                break;
        }
    }

    private void CheckHeld(long now)
    {
        if (now >= Math.Min(_wholeAt, _startAt))
        {
            _gate!.Cancel(_waiter!, RequestOutcome.NoEndpointTimeout);
        }
        else if (_client.ReceiveDone && _client.PollPeerGone())
        {
            LoseClient(); // it had sent more, so nobody waits for its end
        }
    }

    private void CheckConnecting(long now)
    {
        if (now >= Math.Min(_wholeAt, _startAt))
        {
            _abort = RequestOutcome.NoEndpointTimeout;
            _connecting?.Dispose();
        }
        else if (now >= _connectAt)
        {
            _connecting?.Dispose(); // as if refused
        }
    }

    private void CheckAtInstance(long now)
    {
        // Upgraded, the time for an answer is counted while a message of the client has none (docs/decisions/0006).
        var clock = _phase == Phase.Spliced ? _started + (now - Volatile.Read(ref _askedAt)) : now;
        var why =
            clock >= _wholeAt ? RequestOutcome.Timeout
            : _phase != Phase.Relaying && clock >= _startAt ? RequestOutcome.ResponseStartTimeout
            : _idleTicks > 0 && now - Volatile.Read(ref _lastActivity) >= _idleTicks ? RequestOutcome.IdleTimeout
            : RequestOutcome.Forwarded;
        if (why == RequestOutcome.Forwarded)
        {
            return;
        }
        AbortUpstream(why);
        var waitsForClient = Volatile.Read(ref _writeAt) != long.MaxValue;
        if (_phase != Phase.Forwarding && (!_chunkedAnswer || waitsForClient))
        {
            _client.Close(reset: true); // how much was to come was said, or the flow waits for the client to read
        }
    }

    /// <summary>The instance's connection was closed from here: its end is not the instance's.</summary>
    private bool IsAborted
    {
        get
        {
            lock (_sync)
            {
                return _abort != RequestOutcome.Forwarded;
            }
        }
    }

    private void AbortUpstream(RequestOutcome why)
    {
        _abort = _abort == RequestOutcome.Forwarded ? why : _abort;
        _upstream?.Transport.Close();
        CancelHttp2();
    }

    /// <summary>Moves on; false when the client has gone meanwhile.</summary>
    private bool Enter(Phase phase)
    {
        lock (_sync)
        {
            _phase = phase;
            if (!_clientGone || phase is Phase.Busy or Phase.Lingering)
            {
                return true;
            }
            _phase = Phase.Busy;
            _failure = RequestOutcome.ClientAborted;
            return false;
        }
    }

    private void BeginReading()
    {
        lock (_sync)
        {
            _phase = Phase.Reading;
            _abort = RequestOutcome.Forwarded;
            _readAt = After(_firstRequest ? _core.Options.TimeProvider.GetTimestamp() : _now, _core.Options.ClientIdleTimeout);
        }
        _scanned = 0;
        _failure = RequestOutcome.Forwarded;
        _backend = null;
        _gate = null;
        _answered = _answeredByInstance = _chunkedAnswer = false;
        _upstreamReusable = false;
        _attempts = _resets = 0;
        _mustLinger = false;
        _networkHash = "";
        _http2Upstream = false;
        _facts = default;
        if (!_client.ReceiveBegun)
        {
            _input.Shrink();
        }
        if (_core.Draining && _input.Count == 0)
        {
            _client.Close();
        }
    }

    private void SetReadDeadline(TimeSpan after)
    {
        lock (_sync)
        {
            _readAt = After(_core.Options.TimeProvider.GetTimestamp(), after);
        }
    }

    private void SetDeadlines(RevisionPolicy policy)
    {
        lock (_sync)
        {
            _phase = Phase.Busy;
            _wholeAt = policy.Timeout > TimeSpan.Zero ? After(_started, policy.Timeout) : long.MaxValue;
            _startAt = policy.ResponseStartTimeout > TimeSpan.Zero ? After(_started, policy.ResponseStartTimeout) : long.MaxValue;
            _idleTicks = policy.IdleTimeout > TimeSpan.Zero ? After(0, policy.IdleTimeout) : 0;
        }
    }

    /// <summary>Bytes passed: the idle time begins anew.</summary>
    private void NoteActivity()
    {
        if (_idleTicks > 0)
        {
            Volatile.Write(ref _lastActivity, _core.Options.TimeProvider.GetTimestamp());
        }
    }

    private long After(long from, TimeSpan time) => from + (long)(time.TotalSeconds * _core.Options.TimeProvider.TimestampFrequency);
}
