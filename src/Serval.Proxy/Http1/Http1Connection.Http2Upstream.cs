using System.Net;
using System.Text;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>An HTTP/1.1 client's request to an instance that speaks HTTP/2: the composed head is translated, bodies are framed anew.</summary>
internal sealed partial class Http1Connection
{
    private CancellationTokenSource? _cancelHttp2;

    private static bool IsHttp2(RevisionPolicy policy) => policy.Protocol == BackendProtocol.H2c;

    private void CancelHttp2() => _cancelHttp2?.Cancel();

    private async ValueTask ForwardHttp2Async()
    {
        while (_failure == RequestOutcome.Forwarded)
        {
            using var cancel = new CancellationTokenSource();
            lock (_sync)
            {
                _cancelHttp2 = cancel;
            }
            try
            {
                if (!Enter(Phase.Forwarding) || await TryExchangeAsync(cancel.Token))
                {
                    return;
                }
            }
            finally
            {
                lock (_sync)
                {
                    _phase = Phase.Busy;
                    _cancelHttp2 = null;
                }
            }
            NoteRefusal();
            if (_failure == RequestOutcome.Forwarded)
            {
                await HoldAsync();
            }
        }
    }

    /// <summary>False when the instance refused the connection before anything was sent.</summary>
    private async Task<bool> TryExchangeAsync(CancellationToken ct)
    {
        using var request = ComposeHttp2();
        if (request is null)
        {
            _failure = RequestOutcome.BadRequest;
            return true;
        }
        NoteActivity();
        if (_facts.WantsContinue)
        {
            _facts.WantsContinue = false;
            if (!await SendToClientAsync(s_continue))
            {
                _failure = RequestOutcome.ClientAborted;
                return true;
            }
        }
        try
        {
            using var response = await _core.HandlerUpstream.SendAsync(request, ct);
            _gate!.MarkGood(_instance!);
            if (Enter(Phase.Relaying))
            {
                await RelayHttp2Async(response, ct);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            lock (_sync)
            {
                _phase = Phase.Busy;
                _failure = _abort != RequestOutcome.Forwarded ? _abort : _answered ? RequestOutcome.Truncated : HandlerUpstream.FailureOf(e);
            }
            if (_failure == RequestOutcome.UpstreamReset && _upload is null && e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError })
            {
                _failure = RequestOutcome.Forwarded;
                return false;
            }
        }
        return true;
    }

    /// <summary>The composed head as the framework's client takes it; null when it does not take the host.</summary>
    private HttpRequestMessage? ComposeHttp2()
    {
        var bytes = _output.Written.Span;
        var head = new MessageHead(_request.FieldCount + HeadComposer.MostAdded + _backend!.HeaderNames.Length);
        if (HttpParser.ParseRequest(bytes, head) != ParseResult.Done)
        {
            throw new InvalidOperationException("The proxy composed a head that it cannot parse.");
        }
        var request = HandlerUpstream.NewRequest(
            Encoding.ASCII.GetString(bytes[head.Method]), _instance!, Encoding.Latin1.GetString(bytes[head.Target]), http2: true);
        request.Content = _requestBody.Done ? null : new UploadContent(this);
        foreach (ref readonly var field in head.Fields)
        {
            var name = Encoding.ASCII.GetString(bytes.Slice(field.Line, field.NameLength));
            if (HandlerUpstream.IsPassedOn(name) && (field.Known != KnownHeader.ContentLength || request.Content is not null))
            {
                HandlerUpstream.AddHeader(request, name, Encoding.Latin1.GetString(bytes.Slice(field.Value, field.ValueLength)));
            }
        }
        request.Headers.TryAddWithoutValidation("TE", "trailers");
        if (HandlerUpstream.TrySetHost(request, Encoding.Latin1.GetString(bytes[head.Host])))
        {
            return request;
        }
        request.Dispose();
        return null;
    }

    private async Task RelayHttp2Async(HttpResponseMessage response, CancellationToken ct)
    {
        var bodyless = _facts.IsHead || response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotModified;
        var chunked = !bodyless && !_facts.Http10 && response.Content.Headers.ContentLength is null;
        _keepAlive &= !_core.Draining && (bodyless || chunked || response.Content.Headers.ContentLength is not null);
        ComposeHttp2Answer(response, chunked);
        _facts.Status = (int)response.StatusCode;
        _answered = _answeredByInstance = true;
        _chunkedAnswer = chunked;
        var sent = await SendToClientAsync(_output.Written);
        var input = new InputBuffer(MaxJoinedBody);
        var body = await response.Content.ReadAsStreamAsync(ct);
        while (sent && !bodyless)
        {
            var read = await body.ReadAsync(input.Bytes.AsMemory(InputBuffer.HeadRoom, input.Bytes.Length - InputBuffer.HeadRoom - InputBuffer.TailRoom), ct);
            NoteActivity();
            _bodyBytes += read;
            if (read == 0)
            {
                sent = !chunked || await SendToClientAsync(ChunkFrame.Wrap(input, input.Start, 0, last: true, Trailers(response)));
                break;
            }
            sent = await SendToClientAsync(chunked
                ? ChunkFrame.Wrap(input, InputBuffer.HeadRoom, read, last: false, default)
                : input.Bytes.AsMemory(InputBuffer.HeadRoom, read));
        }
        input.Return();
        EndRelay(sent);
    }

    private void ComposeHttp2Answer(HttpResponseMessage response, bool chunked)
    {
        var head = new StringBuilder().Append("HTTP/1.1 ").Append((int)response.StatusCode).Append(' ').Append(response.ReasonPhrase).Append("\r\n");
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            foreach (var value in values)
            {
                if (HandlerUpstream.IsPassedOn(name))
                {
                    head.Append(name).Append(": ").Append(value).Append("\r\n");
                }
            }
        }
        head.Append(chunked ? "Transfer-Encoding: chunked\r\n" : "").Append(ConnectionLine()).Append("\r\n");
        _output.Clear();
        _output.Append(Encoding.Latin1.GetBytes(head.ToString()));
    }

    private static byte[] Trailers(HttpResponseMessage response) => Encoding.Latin1.GetBytes(string.Concat(
        response.TrailingHeaders.NonValidated.SelectMany(t => t.Value.Select(v => $"{t.Key}: {v}\r\n"))));

    /// <summary>The upload, run by the framework's client when it is ready for it.</summary>
    private async Task UploadToAsync(Stream stream)
    {
        await stream.FlushAsync();
        while (true)
        {
            var count = _requestBody.Decode(_input, out var offset);
            if (_requestBody.Bad)
            {
                FailUpload(RequestOutcome.BadRequest);
                return;
            }
            if (count > 0)
            {
                await stream.WriteAsync(_input.Bytes.AsMemory(offset, count));
                await stream.FlushAsync();
                NoteActivity();
            }
            if (_requestBody.Done)
            {
                _mustLinger = false;
                ArmClient();
                return;
            }
            ArmClient();
            var read = await _client.EndReceiveAsync();
            if (read <= 0 || _stopUpload)
            {
                return;
            }
            _input.End += read;
        }
    }

    private sealed class UploadContent(Http1Connection connection) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            connection._stopUpload = false;
            connection._upload = ended.Task;
            try
            {
                await connection.UploadToAsync(stream);
            }
            finally
            {
                ended.SetResult();
            }
            if (!connection._requestBody.Done)
            {
                throw new IOException("The client did not send all of its body.");
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = connection._requestBody.Left;
            return connection._requestBody.Kind == BodyKind.Length;
        }
    }
}
