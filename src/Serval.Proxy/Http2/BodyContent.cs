using System.Net;
using Microsoft.AspNetCore.Http;

namespace Serval.Proxy;

/// <summary>The body of an HTTP/2 client's request as it comes, sent piece by piece so that streams stay streams.</summary>
internal sealed class BodyContent(HttpRequest request, ExchangeClock clock) : HttpContent
{
    private const int BufferSize = 16 * 1024;

    public bool Begun { get; private set; }

    /// <summary>Reads to its end.</summary>
    public async Task CopyAsync(Func<ReadOnlyMemory<byte>, ValueTask> send, CancellationToken ct)
    {
        Begun = true;
        var buffer = new byte[BufferSize];
        for (var read = await request.Body.ReadAsync(buffer, ct); read > 0; read = await request.Body.ReadAsync(buffer, ct))
        {
            clock.NoteActivity();
            await send(buffer.AsMemory(0, read));
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Begun = true;
        await stream.FlushAsync(cancellationToken); // the headers go first: the instance may speak first
        await CopyAsync(
            async piece =>
            {
                await stream.WriteAsync(piece, cancellationToken);
                await stream.FlushAsync(cancellationToken);
            },
            cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = request.ContentLength ?? 0;
        return request.ContentLength is not null;
    }
}
