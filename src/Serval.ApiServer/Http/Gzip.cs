using System.IO.Compression;
using Microsoft.AspNetCore.Http;

namespace Serval.ApiServer.Http;

/// <summary>Big answers are compressed for who takes that, quickly rather than well (apiserver: handlers/responsewriters/writers.go).</summary>
internal static class Gzip
{
    private const int Least = 128 * 1024; // bytes; below it the work is dearer than the way

    /// <summary>Whether an answer of this length goes out compressed; says so in the headers.</summary>
    public static bool Begin(HttpContext http, long length)
    {
        var accepted = string.Join(',', http.Request.Headers.AcceptEncoding.AsEnumerable()).Split(',', StringSplitOptions.TrimEntries).Contains("gzip");
        if (length <= Least || !accepted)
        {
            return false;
        }
        http.Response.Headers.ContentEncoding = "gzip";
        http.Response.Headers.Append("Vary", "Accept-Encoding");
        return true;
    }

    public static Stream Into(Stream output) => new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true);

    public static ReadOnlyMemory<byte> Whole(ReadOnlyMemory<byte> bytes)
    {
        using var output = new MemoryStream(bytes.Length / 4);
        using (var zipped = Into(output))
        {
            zipped.Write(bytes.Span);
        }
        return output.GetBuffer().AsMemory(0, (int)output.Length);
    }
}
