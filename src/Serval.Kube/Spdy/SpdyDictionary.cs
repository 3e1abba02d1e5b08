using System.Buffers.Binary;
using System.Text;

namespace Serval.Kube.Spdy;

/// <summary>What header blocks may refer back to from the first on (draft-mbelshe-httpbis-spdy-00, 2.6.10.1): words with their lengths, then loose text.</summary>
internal static class SpdyDictionary
{
    private const string Words =
        "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection "
        + "content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host "
        + "if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization "
        + "range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status";

    private const string Text =
        "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content"
        + "301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
        + "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
        + "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
        + "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

    public static byte[] Bytes { get; } =
        [.. Words.Split(' ').Append("200 OK").Append("version").Append("HTTP/1.1").Append("url").Append("public").Append("set-cookie").Append("keep-alive").Append("origin")
            .SelectMany(Measured), .. Encoding.ASCII.GetBytes(Text)];

    private static byte[] Measured(string word)
    {
        var bytes = new byte[4 + word.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, word.Length);
        Encoding.ASCII.GetBytes(word, bytes.AsSpan(4));
        return bytes;
    }
}
