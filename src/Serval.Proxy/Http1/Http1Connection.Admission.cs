using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>From the gate to a connection with an instance.</summary>
internal sealed partial class Http1Connection
{
    /// <summary>Endpoints of a plain Service that refuse before the request fails; a revision's are tried as long as it may be held.</summary>
    internal const int MaxServiceAttempts = 3;

    /// <summary>A free slot and a connection at hand: nothing to wait for.</summary>
    private bool TryEnterFast()
    {
        if (_requestBody.Done)
        {
            ArmClient(); // so that a client that goes away is noticed; with a body, reading it does that
        }
        if (_instance is not null || !_gate!.TryEnter(out _instance))
        {
            return false;
        }
        return !_http2Upstream && TryTakePooled(_instance);
    }

    /// <summary>Holds until there is a slot, connects, and does so again when the instance refuses.</summary>
    private async ValueTask EnterSlowAsync()
    {
        ArmClient();
        while (_failure == RequestOutcome.Forwarded)
        {
            if (_instance is null)
            {
                await HoldAsync();
            }
            if (_failure != RequestOutcome.Forwarded || _http2Upstream || await TryConnectAsync())
            {
                return;
            }
        }
    }

    private async ValueTask HoldAsync()
    {
        var waiter = _gate!.Hold(_attempts > 0, out var refusal);
        if (waiter is null)
        {
            _failure = refusal;
            return;
        }
        lock (_sync)
        {
            _waiter = waiter;
            _phase = Phase.Held;
            if (_clientGone)
            {
                _gate.Cancel(waiter, RequestOutcome.ClientAborted);
            }
        }
        var admission = await waiter.Settled;
        lock (_sync)
        {
            _waiter = null;
            _phase = Phase.Busy;
        }
        _instance = admission.Instance;
        _failure = admission.Refusal;
    }

    private async ValueTask<bool> TryConnectAsync()
    {
        var instance = _instance!;
        // A connection may have come free; after a failure only a new one will do.
        if (_attempts + _resets == 0 && TryTakePooled(instance))
        {
            return true;
        }
        if (!Enter(Phase.Connecting))
        {
            return false;
        }
        var upstream = await instance.Pool.ConnectAsync(instance.Address, NoteConnecting);
        lock (_sync)
        {
            _phase = Phase.Busy;
            _connecting = null;
            _failure = _abort;
        }
        if (upstream is not null)
        {
            _upstream = upstream;
            _gate!.MarkGood(instance);
            return _failure == RequestOutcome.Forwarded;
        }
        if (_failure != RequestOutcome.Forwarded)
        {
            return false;
        }
        NoteRefusal();
        return false;
    }

    private bool TryTakePooled(Instance instance)
    {
        _upstream = instance.Pool.TryTake(_facts.Repeatable);
        if (_upstream is null)
        {
            return false;
        }
        _gate!.MarkGood(instance); // or others would wait for the end of this request to learn that it lives
        return true;
    }

    /// <summary>The instance refused the connection: the slot goes back, and the request fails or is held again.</summary>
    private void NoteRefusal()
    {
        _attempts++;
        _gate!.MarkFailed(_instance!);
        ReleaseSlot();
        if (_gate.Key.Kind == Routing.BackendKind.Service && _attempts >= MaxServiceAttempts)
        {
            _failure = RequestOutcome.UpstreamConnect;
        }
    }

    private void NoteConnecting(Socket socket)
    {
        lock (_sync)
        {
            _connecting = socket;
            _connectAt = After(_core.Options.TimeProvider.GetTimestamp(), _core.Options.ConnectTimeout);
            if (_abort != RequestOutcome.Forwarded || _clientGone)
            {
                _abort = _clientGone ? RequestOutcome.ClientAborted : _abort;
                socket.Dispose();
            }
        }
    }

    /// <summary>After a failure before the answer's first byte: whether to try once more, on a new connection.</summary>
    private bool TryRepeat()
    {
        if (_failure != RequestOutcome.UpstreamReset || !_facts.Repeatable || _resets >= 2 || _response.Status >= 100 || _upstream is null || _upstream.Input.Count > 0)
        {
            return false;
        }
        lock (_sync)
        {
            if (_abort != RequestOutcome.Forwarded || _clientGone)
            {
                return false;
            }
            _phase = Phase.Busy;
            _upstream.Discard();
            _upstream = null;
        }
        _resets++;
        _failure = RequestOutcome.Forwarded;
        return true;
    }
}
