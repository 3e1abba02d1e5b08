using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Tables;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>Writes answers: stored bytes as they are, or as a table, or as metadata.</summary>
internal sealed class Reply(TimeProvider clock)
{
    private const string Json = "application/json";
    private const int FlushSize = 64 * 1024;

    private static readonly JsonWriterOptions s_indented = new() { Indented = true, NewLine = "\n", Encoder = StatusDocument.Writer.Encoder };

    public Task ObjectAsync(ApiRequest request, ResourceKind kind, KubeObject obj, int code = 200)
    {
        var shape = request.Shape(single: true);
        return JsonAsync(request, code, shape.Form == ReplyForm.Object ? obj.Json : Shaped(w => WriteShaped(w, shape, TableLayouts.For(kind), obj)));
    }

    /// <summary>A Scale, whose table has columns of its own.</summary>
    public Task ScaleAsync(ApiRequest request, KubeObject scale)
    {
        var shape = request.Shape(single: true);
        return JsonAsync(request, 200, shape.Form == ReplyForm.Object ? scale.Json : Shaped(w => WriteShaped(w, shape, WorkloadPrinters.Scale, scale)));
    }

    /// <summary>Streams the items of an object list; other forms are built whole.</summary>
    public Task ListAsync(ApiRequest request, ResourceKind kind, KubeList list)
    {
        var shape = request.Shape(single: false);
        var position = new ListPosition($"{list.ResourceVersion}", list.Continue, list.Remaining);
        return shape.Form switch
        {
            ReplyForm.Table => JsonAsync(request, 200, Shaped(w =>
                TableWriter.WriteTable(w, shape.Version, TableLayouts.For(kind), list.Items, position, shape.Include, headers: true, clock.GetUtcNow()))),
            ReplyForm.Metadata => JsonAsync(request, 200, Shaped(w => WriteMetadataList(w, shape.Version, list, position))),
            _ when IsPretty(request.Http.Request) => JsonAsync(request, 200, Shaped(w => WriteObjectList(w, kind, list, position))),
            _ => StreamListAsync(request, kind, list, position),
        };
    }

    public static async Task JsonAsync(ApiRequest request, int code, ReadOnlyMemory<byte> json)
    {
        request.WriteWarnings();
        await JsonAsync(request.Http, code, json);
    }

    public static Task JsonAsync(HttpContext http, int code, ReadOnlyMemory<byte> json, string type = Json) =>
        BytesAsync(http, code, IsPretty(http.Request) ? Indent(json) : json, type);

    public static Task TextAsync(HttpContext http, int code, string text) =>
        BytesAsync(http, code, Encoding.UTF8.GetBytes(text), "text/plain; charset=utf-8");

    /// <summary>Bytes written by <paramref name="write"/>.</summary>
    public static ReadOnlyMemory<byte> Shaped(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer, StatusDocument.Writer))
        {
            write(writer);
        }
        return buffer.WrittenMemory;
    }

    private static async Task BytesAsync(HttpContext http, int code, ReadOnlyMemory<byte> bytes, string type)
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = type;
        if (Gzip.Begin(http, bytes.Length))
        {
            bytes = Gzip.Whole(bytes);
        }
        http.Response.ContentLength = bytes.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
        }
    }

    /// <summary>For people: when they ask for it, or by the tool they use (apiserver: negotiation.isPrettyPrint).</summary>
    private static bool IsPretty(HttpRequest request)
    {
        if (request.Query["pretty"] is [{ Length: > 0 } asked, ..])
        {
            return asked is "1" or "t" or "T" or "true" or "TRUE" or "True";
        }
        var agent = request.Headers.UserAgent.ToString();
        return agent.StartsWith("curl", StringComparison.Ordinal) || agent.StartsWith("Wget", StringComparison.Ordinal)
            || agent.StartsWith("Mozilla/5.0", StringComparison.Ordinal);
    }

    private static ReadOnlyMemory<byte> Indent(ReadOnlyMemory<byte> json)
    {
        using var document = CanonicalJson.Document(json);
        var buffer = new ArrayBufferWriter<byte>(json.Length * 2);
        using (var writer = new Utf8JsonWriter(buffer, s_indented))
        {
            document.RootElement.WriteTo(writer);
        }
        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private void WriteShaped(Utf8JsonWriter writer, ReplyShape shape, TableLayout layout, KubeObject obj)
    {
        if (shape.Form == ReplyForm.Metadata)
        {
            TableWriter.WriteMetadata(writer, shape.Version, obj);
            return;
        }
        var position = new ListPosition(obj.Metadata.ResourceVersion);
        TableWriter.WriteTable(writer, shape.Version, layout, [obj], position, shape.Include, headers: true, clock.GetUtcNow());
    }

    private static async Task StreamListAsync(ApiRequest request, ResourceKind kind, KubeList list, ListPosition position)
    {
        request.WriteWarnings();
        var response = request.Http.Response;
        response.ContentType = Json;
        var zipped = Gzip.Begin(request.Http, list.Items.Sum(i => (long)i.Json.Length));
        var output = zipped ? PipeWriter.Create(Gzip.Into(response.Body)) : response.BodyWriter;
        output.Write(Head(kind, position));
        var unflushed = 0;
        for (var i = 0; i < list.Items.Count; i++)
        {
            if (i > 0)
            {
                output.Write(","u8);
            }
            WriteItem(output, kind, list.Items[i]);
            unflushed += list.Items[i].Json.Length;
            if (unflushed > FlushSize)
            {
                unflushed = 0;
                await output.FlushAsync(request.Aborted);
            }
        }
        output.Write("]}"u8);
        await output.FlushAsync(request.Aborted);
        if (zipped)
        {
            await output.CompleteAsync(); // the end of the compressed stream
        }
    }

    /// <summary>Items of built-in kinds do not say what they are; those of definitions, which upstream has no types for, do.</summary>
    private static void WriteItem(IBufferWriter<byte> output, ResourceKind kind, KubeObject item)
    {
        if (kind.IsCustom)
        {
            output.Write(item.Json.Span);
        }
        else
        {
            UntypedJson.Write(item, output);
        }
    }

    // Everything up to the first item.
    private static ReadOnlySpan<byte> Head(ResourceKind kind, ListPosition position)
    {
        var whole = Shaped(w => WriteObjectList(w, kind, new KubeList(0, []), position)).Span;
        return whole[..^2];
    }

    private static void WriteObjectList(Utf8JsonWriter writer, ResourceKind kind, KubeList list, ListPosition position)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", kind.ListKind);
        writer.WriteString("apiVersion", kind.ApiVersion);
        TableWriter.WriteListMeta(writer, position, tellsEnd: kind.IsCustom);
        writer.WriteStartArray("items");
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var item in list.Items)
        {
            buffer.ResetWrittenCount();
            WriteItem(buffer, kind, item);
            writer.WriteRawValue(buffer.WrittenSpan, skipInputValidation: true);
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteMetadataList(Utf8JsonWriter writer, string version, KubeList list, ListPosition position)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "PartialObjectMetadataList");
        writer.WriteString("apiVersion", $"meta.k8s.io/{version}");
        TableWriter.WriteListMeta(writer, position);
        writer.WriteStartArray("items");
        foreach (var item in list.Items)
        {
            TableWriter.WriteMetadata(writer, version, item);
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
