using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Serval.ApiServer.Proxying;

/// <summary>Pages of a proxied program: their links are led back through the proxy, as far as a page is small and its coding known.</summary>
/// <param name="most">Most pages that are held at a time: who comes then has his as it is.</param>
internal sealed class ProxyBody(int most)
{
    /// <summary>The longest page that is read for its links; a longer one passes as it is.</summary>
    private const int MostPage = 4 << 20;

    /// <summary>The longest page with its links rewritten; one that would be longer passes as it is.</summary>
    private const int MostWritten = 2 * MostPage;

    private static readonly SemaphoreSlim s_rewrites = new(4); // each needs a few times its page for a moment

    private int _held;

    /// <summary>Writes the body of an answer; of a page with its links rewritten, when there is a place for it.</summary>
    public async Task CopyAsync(HttpResponseMessage answer, HttpResponse response, ProxyLinks links, CancellationToken ct)
    {
        await using var body = await answer.Content.ReadAsStreamAsync(ct);
        if (IsPage(answer))
        {
            try
            {
                if (Interlocked.Increment(ref _held) <= most)
                {
                    await WritePageAsync(answer, body, response, links, ct);
                }
            }
            finally
            {
                Interlocked.Decrement(ref _held);
            }
        }
        await body.CopyToAsync(response.Body, ct); // each write of the response's body is sent at once
    }

    private static async Task WritePageAsync(HttpResponseMessage answer, Stream body, HttpResponse response, ProxyLinks links, CancellationToken ct)
    {
        var (bytes, more) = await RewriteAsync(answer, body, links, ct);
        response.ContentLength = more ? answer.Content.Headers.ContentLength : bytes.Length;
        await response.Body.WriteAsync(bytes, ct);
    }

    /// <summary>Whether an answer is a page whose links are rewritten.</summary>
    private static bool IsPage(HttpResponseMessage answer) =>
        answer.Content.Headers.ContentType?.MediaType == "text/html" && answer.Headers.Location is null && Coding(answer) is "" or "gzip"
        && answer.Content.Headers.ContentLength is null or <= MostPage;

    /// <summary>The page with its links rewritten; what was read of it, unchanged, and whether more follows, when it is too long or damaged.</summary>
    private static async Task<(byte[] Bytes, bool More)> RewriteAsync(HttpResponseMessage answer, Stream body, ProxyLinks links, CancellationToken ct)
    {
        var (raw, more) = await ReadAsync(body, ct);
        if (more)
        {
            return (raw, true);
        }
        await s_rewrites.WaitAsync(ct);
        try
        {
            return (await RewriteAsync(raw, Coding(answer) == "gzip", links, ct), false);
        }
        finally
        {
            s_rewrites.Release();
        }
    }

    private static async Task<byte[]> RewriteAsync(byte[] raw, bool zipped, ProxyLinks links, CancellationToken ct)
    {
        if ((zipped ? await UnzipAsync(raw, ct) : raw) is not { } page)
        {
            return raw;
        }
        var text = Encoding.Latin1.GetString(page);
        var written = HtmlLinks.Rewrite(text, links.Rewrite, MostWritten);
        return ReferenceEquals(written, text) ? raw : zipped ? Zip(Encoding.Latin1.GetBytes(written)) : Encoding.Latin1.GetBytes(written);
    }

    private static string Coding(HttpResponseMessage answer) => string.Join(",", answer.Content.Headers.ContentEncoding).ToLowerInvariant();

    private static async Task<(byte[] Bytes, bool More)> ReadAsync(Stream from, CancellationToken ct)
    {
        using var read = new MemoryStream();
        var piece = new byte[16 * 1024];
        while (await from.ReadAsync(piece, ct) is > 0 and var count)
        {
            read.Write(piece, 0, count);
            if (read.Length > MostPage)
            {
                return (read.ToArray(), true);
            }
        }
        return (read.ToArray(), false);
    }

    private static async Task<byte[]?> UnzipAsync(byte[] zipped, CancellationToken ct)
    {
        try
        {
            await using var unzip = new GZipStream(new MemoryStream(zipped), CompressionMode.Decompress);
            return await ReadAsync(unzip, ct) is (var page, false) ? page : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static byte[] Zip(byte[] page)
    {
        using var zipped = new MemoryStream();
        using (var zip = new GZipStream(zipped, CompressionLevel.Fastest))
        {
            zip.Write(page);
        }
        return zipped.ToArray();
    }
}
