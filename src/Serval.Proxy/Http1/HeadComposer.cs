namespace Serval.Proxy;

/// <summary>Writes the heads the proxy sends on: hop-by-hop fields out, forwarding fields in, everything else byte for byte.</summary>
internal static class HeadComposer
{
    /// <summary>How many fields a request gets on top of the client's and the backend's: Host, the forwarding four, framing and upgrade.</summary>
    public const int MostAdded = 8;

    /// <summary>The request for an instance.</summary>
    /// <param name="output">Cleared and written.</param>
    /// <param name="bytes">The client's head.</param>
    /// <param name="head">The same, parsed.</param>
    /// <param name="backend">Whose headers and host are set.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="upgrade">Pass the upgrade on.</param>
    public static void Request(OutputBuffer output, ReadOnlySpan<byte> bytes, MessageHead head, CompiledBackend backend, ClientIdentity client, bool upgrade)
    {
        output.Clear();
        output.Append(bytes[head.Method]);
        output.Append(" "u8);
        output.Append(bytes[head.Target]);
        output.Append(" HTTP/1.1\r\nHost: "u8);
        output.Append(backend.HostBytes.Length > 0 ? backend.HostBytes : bytes[head.Host]);
        output.Append("\r\n"u8);
        var forwarded = new ForwardedFields();
        CopyRequestFields(output, bytes, head, backend, ref forwarded);
        AppendForwarded(output, bytes, head, backend, client, forwarded);
        output.Append(backend.HeaderBytes);
        if (head.Chunked)
        {
            output.Append("Transfer-Encoding: chunked\r\n"u8);
        }
        if (upgrade)
        {
            output.Append("Connection: Upgrade\r\n"u8);
            CopyField(output, bytes, head.Fields[head.Upgrade]);
        }
        output.Append("\r\n"u8);
    }

    /// <summary>The answer for the client.</summary>
    /// <param name="output">Cleared and written.</param>
    /// <param name="bytes">The instance's head.</param>
    /// <param name="head">The same, parsed.</param>
    /// <param name="chunked">Frame the body in chunks.</param>
    /// <param name="connection">A whole Connection line, or nothing.</param>
    public static void Response(OutputBuffer output, ReadOnlySpan<byte> bytes, MessageHead head, bool chunked, ReadOnlySpan<byte> connection)
    {
        output.Clear();
        output.Append("HTTP/1.1 "u8);
        output.Append(bytes[9..(head.FieldCount > 0 ? head.Fields[0].Line : head.Length - 2)]);
        var run = new Run(output, bytes);
        foreach (ref readonly var field in head.Fields)
        {
            var copy = field.Known switch
            {
                KnownHeader.None => (head.Connection & ConnectionOptions.Others) == 0 || !IsNominated(bytes, head, field),
                KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection or KnownHeader.TransferEncoding or KnownHeader.Upgrade => false,
                KnownHeader.Trailer => chunked,
                _ => true,
            };
            run.Take(field, copy);
        }
        run.Flush();
        if (chunked)
        {
            output.Append("Transfer-Encoding: chunked\r\n"u8);
        }
        output.Append(connection);
        if (head.Status == 101 && head.Upgrade >= 0)
        {
            CopyField(output, bytes, head.Fields[head.Upgrade]);
        }
        output.Append("\r\n"u8);
    }

    /// <summary>Whether a Connection header names the field: then it is for this hop only.</summary>
    public static bool IsNominated(ReadOnlySpan<byte> bytes, MessageHead head, in HeaderField field)
    {
        var name = bytes.Slice(field.Line, field.NameLength);
        foreach (ref readonly var other in head.Fields)
        {
            if (other.Known == KnownHeader.Connection && HttpParser.HasToken(bytes.Slice(other.Value, other.ValueLength), name))
            {
                return true;
            }
        }
        return false;
    }

    private static void CopyRequestFields(
        OutputBuffer output, ReadOnlySpan<byte> bytes, MessageHead head, CompiledBackend backend, ref ForwardedFields forwarded)
    {
        var run = new Run(output, bytes);
        for (var i = 0; i < head.FieldCount; i++)
        {
            ref readonly var field = ref head.Fields[i];
            var copy = field.Known switch
            {
                KnownHeader.None or KnownHeader.Accept or KnownHeader.NetworkHash or KnownHeader.NetworkProbe =>
                    (backend.HeaderNames.Length == 0 || !backend.Replaces(bytes.Slice(field.Line, field.NameLength)))
                    && ((head.Connection & ConnectionOptions.Others) == 0 || !IsNominated(bytes, head, field)),
                KnownHeader.ContentLength => true,
                KnownHeader.Trailer => head.Chunked,
                KnownHeader.XForwardedProto or KnownHeader.XForwardedHost or KnownHeader.XForwardedFor or KnownHeader.Forwarded =>
                    forwarded.Note(field.Known) && !backend.Sets(field.Known),
                _ => false,
            };
            run.Take(field, copy);
        }
        run.Flush();
    }

    private static void AppendForwarded(
        OutputBuffer output, ReadOnlySpan<byte> bytes, MessageHead head, CompiledBackend backend, ClientIdentity client, in ForwardedFields seen)
    {
        if (!backend.Sets(KnownHeader.XForwardedFor))
        {
            output.Append("X-Forwarded-For: "u8);
            AppendValues(output, bytes, head, KnownHeader.XForwardedFor, seen.For);
            output.Append(client.Address);
            output.Append("\r\n"u8);
        }
        if (!seen.Proto && !backend.Sets(KnownHeader.XForwardedProto))
        {
            output.Append("X-Forwarded-Proto: "u8);
            output.Append(client.Scheme);
            output.Append("\r\n"u8);
        }
        if (!seen.Host && !backend.Sets(KnownHeader.XForwardedHost))
        {
            output.Append("X-Forwarded-Host: "u8);
            output.Append(bytes[head.Host]);
            output.Append("\r\n"u8);
        }
        if (backend.Sets(KnownHeader.Forwarded))
        {
            return;
        }
        output.Append("Forwarded: "u8);
        AppendValues(output, bytes, head, KnownHeader.Forwarded, seen.Forwarded);
        output.Append(client.ForwardedFor);
        output.Append(";host=\""u8);
        output.Append(bytes[head.Host]);
        output.Append("\";proto="u8);
        output.Append(client.Scheme);
        output.Append("\r\n"u8);
    }

    private static void AppendValues(OutputBuffer output, ReadOnlySpan<byte> bytes, MessageHead head, KnownHeader known, bool any)
    {
        if (!any)
        {
            return;
        }
        foreach (ref readonly var field in head.Fields)
        {
            if (field.Known == known && field.ValueLength > 0)
            {
                output.Append(bytes.Slice(field.Value, field.ValueLength));
                output.Append(", "u8);
            }
        }
    }

    private static void CopyField(OutputBuffer output, ReadOnlySpan<byte> bytes, in HeaderField field) =>
        output.Append(bytes[field.Line..field.NextLine]);

    private struct ForwardedFields
    {
        public bool For;
        public bool Forwarded;
        public bool Proto;
        public bool Host;

        /// <summary>Notes one of the forwarding fields; whether it is copied as it is.</summary>
        public bool Note(KnownHeader known)
        {
            For |= known == KnownHeader.XForwardedFor;
            Forwarded |= known == KnownHeader.Forwarded;
            Proto |= known == KnownHeader.XForwardedProto;
            Host |= known == KnownHeader.XForwardedHost;
            return known is KnownHeader.XForwardedProto or KnownHeader.XForwardedHost;
        }
    }

    /// <summary>Copies neighbouring lines at once.</summary>
    private ref struct Run(OutputBuffer output, ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private int _start;
        private int _end;

        public void Take(in HeaderField field, bool copy)
        {
            if (!copy || field.Line != _end)
            {
                Flush();
                _start = field.Line;
            }
            _end = copy ? field.NextLine : (_start = field.NextLine);
        }

        public void Flush()
        {
            if (_end > _start)
            {
                output.Append(_bytes[_start.._end]);
            }
            _start = _end;
        }
    }
}
