using System.Runtime.InteropServices;
using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Tables;

/// <summary>How much of the object each row carries.</summary>
internal enum IncludeObject
{
    Metadata,
    None,
    Object,
}

/// <summary>Where in a list the rows stand.</summary>
internal readonly record struct ListPosition(string ResourceVersion, string Continue = "", long? Remaining = null);

/// <summary>Writes objects as a Table of meta.k8s.io, or as metadata alone; the older version v1beta1 differs in its name only.</summary>
internal static class TableWriter
{
    /// <param name="writer">Receives one JSON object.</param>
    /// <param name="version">Of meta.k8s.io.</param>
    /// <param name="layout">Columns and printer.</param>
    /// <param name="objects">The rows.</param>
    /// <param name="position">metadata of the list.</param>
    /// <param name="include">What a row's object holds.</param>
    /// <param name="headers">False in a watch after the first frame.</param>
    /// <param name="now">Ages count up to this.</param>
    public static void WriteTable(
        Utf8JsonWriter writer, string version, TableLayout layout, IReadOnlyList<KubeObject> objects, ListPosition position, IncludeObject include, bool headers,
        DateTimeOffset now)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "Table");
        writer.WriteString("apiVersion", $"meta.k8s.io/{version}");
        WriteListMeta(writer, position);
        writer.WriteStartArray("columnDefinitions");
        if (headers)
        {
            WriteColumns(writer, layout);
        }
        writer.WriteEndArray();
        writer.WriteStartArray("rows");
        var cells = new List<object?>(layout.Columns.Count);
        foreach (var obj in objects)
        {
            using var document = CanonicalJson.Document(obj.Json);
            cells.Clear();
            if (layout.Kept is { } kept)
            {
                using var printed = CanonicalJson.Document(kept(obj).Json);
                layout.Print(printed.RootElement, now, cells);
            }
            else
            {
                layout.Print(document.RootElement, now, cells);
            }
            WriteRow(writer, version, obj, document.RootElement, cells, include);
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>The object with nothing but its metadata (PartialObjectMetadata).</summary>
    public static void WriteMetadata(Utf8JsonWriter writer, string version, KubeObject obj)
    {
        using var document = CanonicalJson.Document(obj.Json);
        WriteMetadata(writer, version, document.RootElement);
    }

    /// <param name="tellsEnd">Whether a list without a next page says so, as upstream's list of objects without types does.</param>
    public static void WriteListMeta(Utf8JsonWriter writer, ListPosition position, bool tellsEnd = false)
    {
        writer.WriteStartObject("metadata");
        writer.WriteString("resourceVersion", position.ResourceVersion);
        if (position.Continue.Length > 0 || tellsEnd)
        {
            writer.WriteString("continue", position.Continue);
        }
        if (position.Remaining is { } remaining)
        {
            writer.WriteNumber("remainingItemCount", remaining);
        }
        writer.WriteEndObject();
    }

    private static void WriteColumns(Utf8JsonWriter writer, TableLayout layout)
    {
        foreach (var column in layout.Columns)
        {
            writer.WriteStartObject();
            writer.WriteString("name", column.Name);
            writer.WriteString("type", column.Type);
            writer.WriteString("format", column.Format);
            writer.WriteString("description", column.Description);
            writer.WriteNumber("priority", column.Priority);
            writer.WriteEndObject();
        }
    }

    private static void WriteRow(Utf8JsonWriter writer, string version, KubeObject obj, JsonElement root, List<object?> cells, IncludeObject include)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("cells");
        foreach (var cell in cells)
        {
            WriteCell(writer, cell);
        }
        writer.WriteEndArray();
        if (include == IncludeObject.Object)
        {
            writer.WritePropertyName("object");
            writer.WriteRawValue(obj.Json.Span, skipInputValidation: true);
        }
        else if (include == IncludeObject.Metadata)
        {
            writer.WritePropertyName("object");
            WriteMetadata(writer, version, root);
        }
        writer.WriteEndObject();
    }

    private static void WriteCell(Utf8JsonWriter writer, object? cell)
    {
        switch (cell)
        {
            case string text:
                writer.WriteStringValue(text);
                break;
            case long whole:
                writer.WriteNumberValue(whole);
                break;
            case double real:
                writer.WriteNumberValue(real);
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    private static void WriteMetadata(Utf8JsonWriter writer, string version, JsonElement root)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", "PartialObjectMetadata");
        writer.WriteString("apiVersion", $"meta.k8s.io/{version}");
        if (root.TryGetProperty("metadata", out var metadata))
        {
            writer.WritePropertyName("metadata");
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(metadata), skipInputValidation: true);
        }
        writer.WriteEndObject();
    }
}
