using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Serval.Signals;

/// <summary>An answer of lines, for as long as its reader takes them.</summary>
internal sealed class LineStream
{
    /// <summary>At least this often something is sent.</summary>
    public static readonly TimeSpan Pulse = TimeSpan.FromSeconds(5);

    /// <summary>An end that has heard nothing for this long takes the other for dead.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    private readonly HttpContext _http;
    private readonly TimeProvider _time;

    public LineStream(HttpContext http, TimeProvider time)
    {
        (_http, _time) = (http, time);
        http.Response.ContentType = "application/x-ndjson";
        http.Response.Headers.CacheControl = "no-cache";
    }

    /// <exception cref="IOException">The reader has taken nothing for too long.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> line, CancellationToken ct)
    {
        var body = _http.Response.BodyWriter;
        body.Write(line.Span);
        body.Write("\n"u8);
        var sent = body.FlushAsync(ct);
        if (sent.IsCompletedSuccessfully)
        {
            return;
        }
        try
        {
            await sent.AsTask().WaitAsync(Silence, _time, ct);
        }
        catch (TimeoutException e)
        {
            _http.Abort();
            throw new IOException("the reader has taken nothing for too long", e);
        }
    }
}
