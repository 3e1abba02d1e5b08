using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Proxy;

/// <summary>
/// A request with a body to an instance that speaks HTTP/1.1, on a connection of its own: its answer may begin, and end, before the body does. The
/// framework's client sends all of a body before it reads. Errors are those of the framework's client. What is read of this is the answer's body.
/// </summary>
internal sealed class Http1Duplex : NetworkStream
{
    private readonly InputBuffer _input = new(16 * 1024);
    private readonly BodyDecoder _body = new();
    private readonly CancellationTokenSource _answered;
    private HttpResponseMessage _response = new();
    private ReadOnlyMemory<byte> _decoded;

    private Http1Duplex(Socket connection, CancellationToken ct)
        : base(connection, ownsSocket: true) => _answered = CancellationTokenSource.CreateLinkedTokenSource(ct);

    /// <summary>Returns when the head of the answer is there; the connection is closed with its content.</summary>
    public static async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, BodyContent body, Socket connection, ProxyOptions options, CancellationToken ct)
    {
        var duplex = new Http1Duplex(connection, ct);
        try
        {
            var chunked = body.Headers.ContentLength is null;
            await duplex.WriteAsync(Head(request, chunked), ct);
            _ = duplex.UploadAsync(body, chunked);
            await duplex.ReadHeadAsync(request.Method == HttpMethod.Head, options, ct);
            return duplex._response;
        }
        catch
        {
            await duplex.DisposeAsync();
            throw;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_decoded.IsEmpty && !_body.Done)
        {
            if (await ReceiveAsync(InputBuffer.HeadRoom, cancellationToken) == 0 && !_body.End())
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded);
            }
            Decode();
        }
        var count = Math.Min(buffer.Length, _decoded.Length);
        _decoded[..count].CopyTo(buffer);
        _decoded = _decoded[count..];
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _answered.Cancel();
        }
        base.Dispose(disposing);
    }

    private static byte[] Head(HttpRequestMessage request, bool chunked)
    {
        var head = new StringBuilder($"{request.Method} {request.RequestUri!.PathAndQuery} HTTP/1.1\r\nHost: {request.Headers.Host}\r\n");
        foreach (var (name, values) in request.Headers.NonValidated.Concat(request.Content!.Headers.NonValidated).Where(h => h.Key != "Host"))
        {
            foreach (var value in values)
            {
                head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            }
        }
        return Encoding.Latin1.GetBytes(head.Append(chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n").ToString());
    }

    private async Task UploadAsync(BodyContent body, bool chunked)
    {
        var ct = _answered.Token;
        try
        {
            await body.CopyAsync(piece => WriteAsync(chunked ? (byte[])[.. Encoding.ASCII.GetBytes($"{piece.Length:x}\r\n"), .. piece.Span, .. "\r\n"u8] : piece, ct), ct);
            await WriteAsync(chunked ? "0\r\n\r\n"u8.ToArray() : [], ct);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The instance takes no more: what it answers is what counts. Or the client sends no more: the exchange's token says so.
        }
    }

    private async ValueTask<int> ReceiveAsync(int max, CancellationToken ct)
    {
        _input.MakeRoom(max);
        var read = await base.ReadAsync(_input.Bytes.AsMemory(_input.End, _input.Free), ct);
        _input.End += read;
        return read;
    }

    private async Task ReadHeadAsync(bool isHead, ProxyOptions options, CancellationToken ct)
    {
        var head = new MessageHead(options.MaxHeaders);
        do
        {
            int end;
            while ((end = HttpParser.FindEnd(_input.Unread, 0)) < 0)
            {
                if (_input.Count >= options.MaxHeadBytes)
                {
                    throw Bad();
                }
                if (await ReceiveAsync(options.MaxHeadBytes, ct) == 0)
                {
                    throw new HttpRequestException(HttpRequestError.ResponseEnded);
                }
            }
            if (HttpParser.ParseResponse(_input.Unread[..end], head) != ParseResult.Done || head.Status == 101)
            {
                throw Bad();
            }
            if (head.Status >= 200)
            {
                TakeHead(head, isHead);
            }
            _input.Start += end;
        }
        while (head.Status < 200);
        Decode();
    }

    private void TakeHead(MessageHead head, bool isHead)
    {
        var bytes = _input.Unread;
        _response = new HttpResponseMessage((HttpStatusCode)head.Status) { Content = new StreamContent(this) };
        foreach (ref readonly var field in head.Fields)
        {
            if (!HeadComposer.IsNominated(bytes, head, field))
            {
                var (name, value) = (Encoding.Latin1.GetString(bytes.Slice(field.Line, field.NameLength)), Encoding.Latin1.GetString(bytes.Slice(field.Value, field.ValueLength)));
                _ = _response.Headers.TryAddWithoutValidation(name, value) || _response.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }
        _body.Reset(
            isHead || head.Status is 204 or 304 ? BodyKind.None : head.Chunked ? BodyKind.Chunked : head.ContentLength >= 0 ? BodyKind.Length : BodyKind.UntilClose,
            head.ContentLength);
    }

    private void Decode()
    {
        var count = _body.Decode(_input, out var offset);
        _decoded = _input.Bytes.AsMemory(offset, count);
        if (_body.Bad)
        {
            throw new HttpIOException(HttpRequestError.InvalidResponse);
        }
        foreach (var line in _body.Done ? Encoding.Latin1.GetString(_body.Trailers).Split("\r\n", StringSplitOptions.RemoveEmptyEntries) : [])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            _response.TrailingHeaders.TryAddWithoutValidation(line[..colon], line[(colon + 1)..].Trim());
        }
    }

    private static HttpRequestException Bad() => new(HttpRequestError.InvalidResponse);
}
