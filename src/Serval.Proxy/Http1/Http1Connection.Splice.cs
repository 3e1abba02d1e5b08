namespace Serval.Proxy;

/// <summary>
/// An upgraded connection: bytes both ways until both sides have ended. A WebSocket whose instance ends without a word is closed with 1001 "going
/// away" (RFC 6455, section 7.4.1) where that can be said, so that its client does not take it for a broken network.
/// </summary>
internal sealed partial class Http1Connection
{
    /// <summary>How long one side may say nothing when the other has ended and there is no idle timeout: it may never notice.</summary>
    private static readonly TimeSpan s_halfClosed = TimeSpan.FromSeconds(60);
    private static readonly byte[] s_goingAway = [0x88, 2, 1001 >> 8, 1001 & 0xFF];
    private WebSocketFrames? _said; // by the client; null when it is no WebSocket
    private WebSocketFrames? _answers; // by the instance
    private bool _upgraded;

    private enum SpliceEnd
    {
        Finished,
        Unreadable,
        Undeliverable,
    }

    private async ValueTask SpliceAsync()
    {
        var upstream = _upstream!;
        if (IsWebSocket(upstream.Input.Unread))
        {
            (_said, _answers) = (new WebSocketFrames(), new WebSocketFrames());
        }
        HeadComposer.Response(_output, upstream.Input.Unread[.._response.Length], _response, chunked: false, "Connection: Upgrade\r\n"u8);
        upstream.Input.Start += _response.Length;
        _facts.Status = 101;
        _answered = _answeredByInstance = true;
        _keepAlive = false;
        _upstreamReusable = false;
        NoteActivity();
        if (!await SendToClientAsync(_output.Written) || !Enter(Phase.Spliced))
        {
            _failure = RequestOutcome.ClientAborted;
            return;
        }
        _upgraded = true;
        _gate!.MarkUpgraded(_instance!);
        var up = CopyUpAsync(upstream);
        var down = CopyDownAsync(upstream);
        if (_core.Draining)
        {
            upstream.Transport.Close(); // whoever else looks for upgraded connections may have looked before
        }
        await Task.WhenAny(up, down);
        LimitHalfClosed();
        await Task.WhenAll(up, down);
        lock (_sync)
        {
            _phase = Phase.Busy;
            _failure = _abort;
        }
        if (_failure == RequestOutcome.Forwarded)
        {
            _client.Close();
        }
    }

    private bool IsWebSocket(ReadOnlySpan<byte> head)
    {
        if (_response.Upgrade < 0)
        {
            return false;
        }
        var field = _response.Fields[_response.Upgrade];
        return HttpParser.HasToken(head.Slice(field.Value, field.ValueLength), "websocket"u8);
    }

    private void LimitHalfClosed()
    {
        lock (_sync)
        {
            if (_idleTicks == 0)
            {
                _lastActivity = _core.Options.TimeProvider.GetTimestamp();
                _idleTicks = After(0, s_halfClosed);
            }
        }
    }

    private async Task CopyUpAsync(UpstreamConnection upstream)
    {
        switch (await CopyAsync(_client, _input, upstream.Transport, NoteSaid))
        {
            case SpliceEnd.Finished:
                upstream.Transport.ShutdownSend();
                break;
            case SpliceEnd.Unreadable:
                CloseBoth(upstream);
                break;
            default:
                break; // the instance is gone; its last words may be on their way to the client
        }
    }

    private async Task CopyDownAsync(UpstreamConnection upstream)
    {
        var end = await CopyAsync(upstream.Transport, upstream.Input, _client, NoteAnswer);
        if (end != SpliceEnd.Undeliverable && _abort == RequestOutcome.Forwarded && _answers is { AtBoundary: true, Closing: false })
        {
            await _client.SendAsync(s_goingAway);
        }
        if (end == SpliceEnd.Finished)
        {
            _client.ShutdownSend();
        }
        else
        {
            CloseBoth(upstream);
        }
    }

    /// <summary>One side is broken: nothing of the other can be delivered.</summary>
    private void CloseBoth(UpstreamConnection upstream)
    {
        upstream.Transport.Close();
        _client.Close();
    }

    private async Task<SpliceEnd> CopyAsync(Transport from, InputBuffer input, Transport to, Action<ReadOnlyMemory<byte>> note)
    {
        while (true)
        {
            if (input.Count > 0)
            {
                var bytes = input.Bytes.AsMemory(input.Start, input.Count);
                input.Start = input.End;
                note(bytes);
                if (!await to.SendAsync(bytes))
                {
                    return SpliceEnd.Undeliverable;
                }
                NoteActivity();
            }
            if (!from.ReceiveBegun)
            {
                input.MakeRoom(LargeBuffer);
                from.BeginReceive(input.Bytes, input.End, input.Free);
            }
            var read = await from.EndReceiveAsync();
            if (read <= 0)
            {
                return read == 0 ? SpliceEnd.Finished : SpliceEnd.Unreadable;
            }
            input.End += read;
        }
    }

    /// <summary>The client's bytes, before the instance can answer them.</summary>
    private void NoteSaid(ReadOnlyMemory<byte> bytes)
    {
        if (_said?.Follow(bytes.Span) ?? true)
        {
            Interlocked.CompareExchange(ref _askedAt, _core.Options.TimeProvider.GetTimestamp(), NotAsked);
        }
    }

    private void NoteAnswer(ReadOnlyMemory<byte> bytes)
    {
        _answers?.Follow(bytes.Span);
        Volatile.Write(ref _askedAt, NotAsked);
    }
}
