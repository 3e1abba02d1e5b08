using System.Text;

namespace Serval.Proxy;

/// <summary>The answer on its way to the client.</summary>
internal sealed partial class Http1Connection
{
    private const int MaxJoinedBody = 16 * 1024;
    private static readonly byte[] s_lateEnd = [.. Encoding.ASCII.GetBytes($"{ErrorText.LateAnswer.Length:x}\r\n"), .. ErrorText.LateAnswer, .. "\r\n0\r\n\r\n"u8];
    private bool _upstreamReusable;
    private bool _answeredByInstance;
    private volatile bool _chunkedAnswer; // its length was not said, so it may end at any time

    /// <summary>Whether there is a head to relay, or a failure.</summary>
    private bool TryParseResponse()
    {
        var input = _upstream!.Input;
        var end = HttpParser.FindEnd(input.Unread, 0);
        if ((end < 0 ? input.Count : end) > _core.Options.MaxHeadBytes)
        {
            _failure = RequestOutcome.UpstreamBadResponse;
            return true;
        }
        if (end < 0)
        {
            return false;
        }
        if (HttpParser.ParseResponse(input.Unread[..end], _response) != ParseResult.Done || (_response.Status == 101 && !_facts.Upgrade))
        {
            _failure = RequestOutcome.UpstreamBadResponse;
            return true;
        }
        if (_response.Status is >= 200 or 101)
        {
            return true;
        }
        if (_response.Status == 100 || _facts.Http10)
        {
            input.Start += end; // ours was sent when the body was asked for
            return TryParseResponse();
        }
        return true;
    }

    private void TakeUpstreamBytes(int read)
    {
        if (read > 0)
        {
            _upstream!.Input.End += read;
            _upstream.NoteAnswer();
            NoteActivity();
            return;
        }
        lock (_sync)
        {
            _phase = Phase.Busy;
            _failure = _abort != RequestOutcome.Forwarded ? _abort : RequestOutcome.UpstreamReset;
        }
    }

    private async ValueTask RelayAsync()
    {
        while (_response.Status is > 100 and < 200 and not 101)
        {
            await RelayInterimAsync();
            if (_failure != RequestOutcome.Forwarded)
            {
                return;
            }
        }
        if (!Enter(Phase.Relaying))
        {
            return;
        }
        if (_response.Status == 101)
        {
            await SpliceAsync();
            return;
        }
        var upstream = _upstream!;
        var chunked = BeginRelay(upstream.Input);
        var count = _responseBody.Decode(upstream.Input, out var offset);
        var sent = false;
        if (count <= MaxJoinedBody)
        {
            _output.Append(Frame(upstream.Input, offset, count, chunked).Span);
            sent = await SendToClientAsync(_output.Written);
        }
        else
        {
            sent = await SendToClientAsync(_output.Written) && await SendToClientAsync(Frame(upstream.Input, offset, count, chunked));
        }
        while (sent && !_responseBody.Done && !_responseBody.Bad)
        {
            sent = await RelayPieceAsync(upstream, chunked);
        }
        EndRelay(sent);
    }

    /// <summary>Composes the head; whether the body is framed in chunks.</summary>
    private bool BeginRelay(InputBuffer input)
    {
        var status = _response.Status;
        var kind = _facts.IsHead || status is 204 or 304 ? BodyKind.None
            : _response.Chunked ? BodyKind.Chunked
            : _response.ContentLength >= 0 ? BodyKind.Length : BodyKind.UntilClose;
        _responseBody.Reset(kind, _response.ContentLength);
        var chunked = kind is BodyKind.Chunked or BodyKind.UntilClose && !_facts.Http10;
        if (kind is BodyKind.Chunked or BodyKind.UntilClose && _facts.Http10)
        {
            _keepAlive = false;
        }
        _keepAlive &= !_core.Draining;
        _upstreamReusable = _response.KeepsAlive && kind != BodyKind.UntilClose;
        var connection = !_keepAlive ? "Connection: close\r\n"u8 : _facts.Http10 ? "Connection: keep-alive\r\n"u8 : default;
        HeadComposer.Response(_output, input.Unread[.._response.Length], _response, chunked, connection);
        input.Start += _response.Length;
        _facts.Status = status;
        _answered = _answeredByInstance = true;
        _chunkedAnswer = chunked;
        return chunked;
    }

    private async ValueTask<bool> RelayPieceAsync(UpstreamConnection upstream, bool chunked)
    {
        if (_responseBody.Left > LargeBuffer && !upstream.Transport.ReceiveBegun)
        {
            upstream.Input.ResizeEmpty(LargeBuffer);
        }
        ArmUpstream();
        var read = await upstream.Transport.EndReceiveAsync();
        if (read <= 0 && !(read == 0 && !IsAborted && _responseBody.End()))
        {
            _responseBody.Reset(BodyKind.None, 0);
            _failure = RequestOutcome.Truncated;
            return true;
        }
        upstream.Input.End += Math.Max(0, read);
        NoteActivity();
        var count = _responseBody.Decode(upstream.Input, out var offset);
        var piece = Frame(upstream.Input, offset, count, chunked);
        return piece.Length == 0 || await SendToClientAsync(piece);
    }

    private ReadOnlyMemory<byte> Frame(InputBuffer input, int offset, int count, bool chunked)
    {
        _bodyBytes += count;
        return chunked ? ChunkFrame.Wrap(input, offset, count, _responseBody.Done, _responseBody.Trailers) : input.Bytes.AsMemory(offset, count);
    }

    private void EndRelay(bool sent)
    {
        lock (_sync)
        {
            _phase = Phase.Busy;
            // A client that leaves when it has everything was served.
            var whole = sent && _failure == RequestOutcome.Forwarded && _responseBody is { Done: true, Bad: false };
            _failure = !whole && _abort != RequestOutcome.Forwarded ? _abort
                : !sent ? RequestOutcome.ClientAborted
                : _responseBody.Bad ? RequestOutcome.Truncated : _failure;
        }
        _now = _core.Options.TimeProvider.GetTimestamp();
    }

    /// <summary>
    /// An answer that ran out of time after its head: it ends properly, with a word of why (serving: pkg/http/handler/timeout). The status was sent.
    /// </summary>
    private async ValueTask EndLateAnswerAsync()
    {
        if (await SendToClientAsync(s_lateEnd))
        {
            _answeredByInstance = false; // nothing is left to be cut
        }
    }

    /// <summary>Passes an early 1xx on and reads up to the next head.</summary>
    private async ValueTask RelayInterimAsync()
    {
        var input = _upstream!.Input;
        HeadComposer.Response(_output, input.Unread[.._response.Length], _response, chunked: false, default);
        input.Start += _response.Length;
        if (!await SendToClientAsync(_output.Written))
        {
            _failure = RequestOutcome.ClientAborted;
            return;
        }
        _response.Reset();
        while (_failure == RequestOutcome.Forwarded && !TryParseResponse())
        {
            ArmUpstream();
            TakeUpstreamBytes(await _upstream.Transport.EndReceiveAsync());
        }
    }
}
