namespace Serval.Proxy;

/// <summary>The request on its way to the instance.</summary>
internal sealed partial class Http1Connection
{
    private const int LargeBuffer = 64 * 1024;
    private static readonly byte[] s_continue = "HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray();
    private volatile bool _stopUpload;
    private bool _mustLinger;

    private async ValueTask SendRequestAsync()
    {
        _response.Reset();
        NoteActivity();
        if (!Enter(Phase.Forwarding))
        {
            return;
        }
        ArmUpstream();
        if (_facts.WantsContinue)
        {
            _facts.WantsContinue = false;
            if (!await SendToClientAsync(s_continue))
            {
                _failure = RequestOutcome.ClientAborted;
                return;
            }
        }
        // When this fails there may still be an answer, sent before the instance closed.
        var sent = await _upstream!.Transport.SendAsync(_output.Written);
        if (_requestBody.Done)
        {
            return;
        }
        if (sent)
        {
            _stopUpload = false;
            _upload = UploadAsync(_upstream.Transport);
        }
        else
        {
            _keepAlive = false; // nobody will read the body
        }
    }

    private async Task UploadAsync(Transport upstream)
    {
        while (true)
        {
            var piece = NextPiece();
            if (_requestBody.Bad)
            {
                FailUpload(RequestOutcome.BadRequest);
                return;
            }
            if (piece.Length > 0 && !await upstream.SendAsync(piece))
            {
                return;
            }
            NoteActivity();
            if (_requestBody.Done)
            {
                _mustLinger = false;
                if (!_client.ReceiveBegun)
                {
                    _input.Shrink();
                }
                ArmClient();
                return;
            }
            if (_requestBody.Left > LargeBuffer && !_client.ReceiveBegun)
            {
                _input.ResizeEmpty(LargeBuffer);
            }
            ArmClient();
            var read = await _client.EndReceiveAsync();
            if (read <= 0)
            {
                return; // the watcher was told
            }
            _input.End += read;
            if (_stopUpload)
            {
                return;
            }
        }
    }

    /// <summary>What there is of the body, framed.</summary>
    private ReadOnlyMemory<byte> NextPiece()
    {
        var count = _requestBody.Decode(_input, out var offset);
        if (_requestBody.Kind != BodyKind.Chunked)
        {
            return _input.Bytes.AsMemory(offset, count);
        }
        if (!_client.ReceiveBegun || count == 0)
        {
            return ChunkFrame.Wrap(_input, offset, count, _requestBody.Done, _requestBody.Trailers);
        }
        // A receive begun while the request was held may write right behind the data: frame it elsewhere.
        var copy = new InputBuffer(count + 64 + _requestBody.Trailers.Length);
        _input.Bytes.AsSpan(offset, count).CopyTo(copy.Bytes.AsSpan(copy.Start));
        return ChunkFrame.Wrap(copy, copy.Start, count, _requestBody.Done, _requestBody.Trailers);
    }

    private void FailUpload(RequestOutcome why)
    {
        lock (_sync)
        {
            AbortUpstream(why);
        }
    }

    /// <summary>After the answer: an upload that is not through is given up, as the instance has lost interest in it.</summary>
    private Task StopUpload()
    {
        if (_upload is not { } upload)
        {
            return Task.CompletedTask;
        }
        _upload = null;
        if (!upload.IsCompleted)
        {
            _stopUpload = true;
            _upstreamReusable = false;
            _upstream?.Transport.Close();
        }
        _upstreamReusable &= _requestBody.Done;
        return upload;
    }

    private async ValueTask EndUploadAsync(Task upload)
    {
        if (!upload.IsCompleted && !_requestBody.Done)
        {
            _keepAlive = false;
            BeginLinger();
        }
        await upload;
    }

    private void BeginLinger()
    {
        Enter(Phase.Lingering);
        SetReadDeadline(s_linger);
        _client.ShutdownSend();
    }

    /// <summary>Reads and drops what the client still sends, or closing would cost it the answer.</summary>
    private async ValueTask LingerAsync()
    {
        const int Most = 4 * 1024 * 1024;
        BeginLinger();
        for (var dropped = 0; dropped < Most;)
        {
            if (!_client.ReceiveBegun)
            {
                _input.Start = _input.End = InputBuffer.HeadRoom;
                _client.BeginReceive(_input.Bytes, _input.End, _input.Free);
            }
            var read = await _client.EndReceiveAsync();
            if (read <= 0)
            {
                return;
            }
            dropped += read;
        }
    }
}
