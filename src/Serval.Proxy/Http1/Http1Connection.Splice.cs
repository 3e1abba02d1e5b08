namespace Serval.Proxy;

/// <summary>An upgraded connection: bytes both ways until both sides have ended. Only the idle timeout still counts.</summary>
internal sealed partial class Http1Connection
{
    /// <summary>How long one side may say nothing when the other has ended and there is no idle timeout: it may never notice.</summary>
    private static readonly TimeSpan s_halfClosed = TimeSpan.FromSeconds(60);

    private async ValueTask SpliceAsync()
    {
        var upstream = _upstream!;
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
        var up = CopyAsync(_client, _input, upstream.Transport);
        var down = CopyAsync(upstream.Transport, upstream.Input, _client);
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

    private async Task CopyAsync(Transport from, InputBuffer input, Transport to)
    {
        while (true)
        {
            if (input.Count > 0)
            {
                var bytes = input.Bytes.AsMemory(input.Start, input.Count);
                input.Start = input.End;
                if (!await to.SendAsync(bytes))
                {
                    break;
                }
                NoteActivity();
            }
            if (!from.ReceiveBegun)
            {
                input.MakeRoom(LargeBuffer);
                from.BeginReceive(input.Bytes, input.End, input.Free);
            }
            var read = await from.EndReceiveAsync();
            if (read == 0)
            {
                to.ShutdownSend();
                return;
            }
            if (read < 0)
            {
                break;
            }
            input.End += read;
        }
        // One side is broken: nothing of the other can be delivered.
        from.Close();
        to.Close();
    }
}
