using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Serval.Proxy;

internal enum ParseResult
{
    Done,
    Bad,
    TooManyHeaders,
    UnknownExpectation,
}

/// <summary>
/// Parses heads strictly: what two servers could read differently is refused (bare LF, folded lines, space before the colon, repeated or odd
/// Content-Length, Content-Length with Transfer-Encoding, any coding but chunked). Only complete heads are parsed; <see cref="FindEnd"/> says when.
/// </summary>
internal static class HttpParser
{
    private static readonly SearchValues<byte> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private static readonly SearchValues<byte> s_control = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (byte)c), 0x7f]);

    private static readonly SearchValues<byte> s_notInTarget = SearchValues.Create([.. Enumerable.Range(0, 33).Select(c => (byte)c), 0x7f]);

    private static readonly SearchValues<byte> s_host =
        SearchValues.Create("-._~%:[]!$&'()*+;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    /// <summary>Bytes up to and with the empty line, or -1. A head with bare line feeds also ends, to be refused at once.</summary>
    /// <param name="bytes">What has come so far.</param>
    /// <param name="from">How much of it was searched before.</param>
    public static int FindEnd(ReadOnlySpan<byte> bytes, int from)
    {
        from = Math.Max(0, from - 3);
        var rest = bytes[from..];
        var crlf = rest.IndexOf("\n\r\n"u8);
        var bare = (crlf < 0 ? rest : rest[..crlf]).IndexOf("\n\n"u8);
        return bare >= 0 ? from + bare + 2 : crlf >= 0 ? from + crlf + 3 : -1;
    }

    public static ParseResult ParseRequest(ReadOnlySpan<byte> bytes, MessageHead head)
    {
        head.Reset();
        head.Length = bytes.Length;
        var line = NextLine(bytes, 0, out var next);
        if (next < 0 || !ParseRequestLine(bytes, line, head))
        {
            return ParseResult.Bad;
        }
        var result = ParseFields(bytes, next, head, request: true);
        if (result != ParseResult.Done)
        {
            return result;
        }
        if (head.Http10)
        {
            return head.Chunked ? ParseResult.Bad : ParseResult.Done;
        }
        return ParseResult.Done;
    }

    public static ParseResult ParseResponse(ReadOnlySpan<byte> bytes, MessageHead head)
    {
        head.Reset();
        head.Length = bytes.Length;
        var line = bytes[NextLine(bytes, 0, out var next)];
        if (next < 0 || line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1') || line[8] != ' '
            || !Utf8Parser.TryParse(line.Slice(9, 3), out int status, out var digits) || digits != 3 || status < 100
            || (line.Length > 12 && line[12] != ' ') || line.IndexOfAny(s_control) >= 0)
        {
            return ParseResult.Bad;
        }
        head.Http10 = line[7] == '0';
        head.Status = status;
        return ParseFields(bytes, next, head, request: false);
    }

    /// <summary>Whether a trailer line (without its CRLF) may be passed on.</summary>
    public static bool IsField(ReadOnlySpan<byte> line, out KnownHeader known)
    {
        var colon = line.IndexOf((byte)':');
        known = colon > 0 ? KnownHeaders.Find(line[..colon]) : KnownHeader.None;
        return colon > 0 && line[..colon].IndexOfAnyExcept(s_token) < 0 && line[(colon + 1)..].IndexOfAny(s_control) < 0;
    }

    /// <summary>Whether these bytes may be a Host header.</summary>
    public static bool IsHost(ReadOnlySpan<byte> host) => host.IndexOfAnyExcept(s_host) < 0;

    /// <summary>Whether a comma-separated list holds a token, without case.</summary>
    public static bool HasToken(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        foreach (var part in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[part].Trim(" \t"u8), token))
            {
                return true;
            }
        }
        return false;
    }

    private static Range NextLine(ReadOnlySpan<byte> bytes, int start, out int next)
    {
        var length = bytes[start..].IndexOf((byte)'\n');
        if (length < 1 || bytes[start + length - 1] != '\r')
        {
            next = -1;
            return default;
        }
        next = start + length + 1;
        return start..(next - 2);
    }

    private static bool ParseRequestLine(ReadOnlySpan<byte> bytes, Range lineRange, MessageHead head)
    {
        var line = bytes[lineRange];
        var space = line.IndexOf((byte)' ');
        var last = line.LastIndexOf((byte)' ');
        if (space < 1 || last <= space + 1 || line[..space].IndexOfAnyExcept(s_token) >= 0)
        {
            return false;
        }
        var version = line[(last + 1)..];
        if (!version.SequenceEqual("HTTP/1.1"u8))
        {
            if (!version.SequenceEqual("HTTP/1.0"u8))
            {
                return false;
            }
            head.Http10 = true;
        }
        head.Method = ..space;
        if (line[..space].SequenceEqual("CONNECT"u8))
        {
            return false; // its target can only be an authority (RFC 9112, 3.2.3), and this is no tunnel
        }
        var target = line[(space + 1)..last];
        return target.IndexOfAny(s_notInTarget) < 0 && ParseTarget(target, space + 1, last, head);
    }

    private static bool ParseTarget(ReadOnlySpan<byte> target, int start, int end, MessageHead head)
    {
        if (target[0] == '/' || target.SequenceEqual("*"u8))
        {
            head.Target = start..end;
            return true;
        }
        if (target.Length <= 7 || !Ascii.EqualsIgnoreCase(target[..7], "http://"u8))
        {
            return false;
        }
        var slash = target[7..].IndexOfAny((byte)'/', (byte)'?');
        if (slash <= 0 || target[7 + slash] == '?' || target.Slice(7, slash).IndexOfAnyExcept(s_host) >= 0)
        {
            return false; // an empty path would have to be written anew; nobody sends it
        }
        head.Host = (start + 7)..(start + 7 + slash);
        head.Target = (start + 7 + slash)..end;
        return true;
    }

    private static ParseResult ParseFields(ReadOnlySpan<byte> bytes, int at, MessageHead head, bool request)
    {
        var hosts = 0;
        var absolute = !head.Host.Equals(default(Range));
        while (true)
        {
            var line = NextLine(bytes, at, out var next);
            if (next < 0)
            {
                return ParseResult.Bad;
            }
            var text = bytes[line];
            if (text.IsEmpty)
            {
                break;
            }
            var colon = text.IndexOf((byte)':');
            if (colon < 1 || text[..colon].IndexOfAnyExcept(s_token) >= 0)
            {
                return ParseResult.Bad;
            }
            var value = text[(colon + 1)..];
            if (value.IndexOfAny(s_control) >= 0)
            {
                return ParseResult.Bad;
            }
            var lead = value.IndexOfAnyExcept((byte)' ', (byte)'\t');
            value = value.Trim(" \t"u8);
            var field = new HeaderField(at, colon, at + colon + 1 + Math.Max(lead, 0), value.Length, next, KnownHeaders.Find(text[..colon]));
            if (!head.Add(field))
            {
                return ParseResult.TooManyHeaders;
            }
            if (field.Known != KnownHeader.None)
            {
                var result = Take(field, value, head, request, absolute, ref hosts);
                if (result != ParseResult.Done)
                {
                    return result;
                }
            }
            at = next;
        }
        var fine = (!request || hosts == 1 || (hosts == 0 && head.Http10)) && !(head.Chunked && head.ContentLength >= 0);
        return fine ? ParseResult.Done : ParseResult.Bad;
    }

    private static ParseResult Take(in HeaderField field, ReadOnlySpan<byte> value, MessageHead head, bool request, bool absolute, ref int hosts)
    {
        switch (field.Known)
        {
            case KnownHeader.Host:
                hosts++;
                if (request && !IsHost(value))
                {
                    return ParseResult.Bad;
                }
                head.Host = absolute ? head.Host : field.Value..(field.Value + field.ValueLength);
                break;
            case KnownHeader.ContentLength:
                if (head.ContentLength >= 0 || value.Length is 0 or > 18 || value.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0
                    || !Utf8Parser.TryParse(value, out long length, out _))
                {
                    return ParseResult.Bad;
                }
                head.ContentLength = length;
                break;
            case KnownHeader.TransferEncoding:
                if (head.Chunked || !Ascii.EqualsIgnoreCase(value, "chunked"u8))
                {
                    return ParseResult.Bad;
                }
                head.Chunked = true;
                break;
            case KnownHeader.Connection:
                TakeConnection(value, head);
                break;
            case KnownHeader.Upgrade:
                head.Upgrade = head.FieldCount - 1;
                break;
            case KnownHeader.Expect when request:
                if (!Ascii.EqualsIgnoreCase(value, "100-continue"u8))
                {
                    return ParseResult.UnknownExpectation;
                }
                head.Expects100 = true;
                break;
            default:
                break;
        }
        return ParseResult.Done;
    }

    private static void TakeConnection(ReadOnlySpan<byte> value, MessageHead head)
    {
        foreach (var part in value.Split((byte)','))
        {
            var token = value[part].Trim(" \t"u8);
            head.Connection |=
                token.IsEmpty ? ConnectionOptions.None
                : Ascii.EqualsIgnoreCase(token, "close"u8) ? ConnectionOptions.Close
                : Ascii.EqualsIgnoreCase(token, "keep-alive"u8) ? ConnectionOptions.KeepAlive
                : Ascii.EqualsIgnoreCase(token, "upgrade"u8) ? ConnectionOptions.Upgrade
                : ConnectionOptions.Others;
        }
    }
}
