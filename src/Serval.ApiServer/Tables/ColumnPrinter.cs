using System.Globalization;
using System.Text.Json;
using Serval.Api;
using Serval.Api.GoText;

namespace Serval.ApiServer.Tables;

/// <summary>Rows from <see cref="ResourceKind.Columns"/>, as Kubernetes prints kinds from a CRD.</summary>
internal static class ColumnPrinter
{
    public static TableLayout Layout(ResourceKind kind)
    {
        // Upstream's CRDs of our own kinds name no age; it is one -o wide away instead of missing. Those of users get what they ask for.
        var withAge = kind.Columns.Any(c => c.JsonPath == ".metadata.creationTimestamp") || kind is { Shape: not null, Columns.Count: > 0 };
        var columns = new List<TableColumn> { TableLayout.Name };
        columns.AddRange(kind.Columns.Select(c => new TableColumn(c.Name, c.Type == "date" && !kind.IsCustom ? "string" : c.Type, c.Priority, c.Format, Described(c))));
        if (!withAge)
        {
            columns.Add(TableLayout.Age with { Type = kind.IsCustom ? "date" : "string", Priority = kind.Columns.Count == 0 ? 0 : 1 });
        }
        var paths = kind.Columns.Select(c => (Path: JsonPath.TryParse(c.JsonPath), c.Type)).ToArray();
        return new TableLayout(columns, Print);

        void Print(JsonElement obj, DateTimeOffset now, List<object?> cells)
        {
            cells.Add(obj.Text("metadata", "name"));
            foreach (var (path, type) in paths)
            {
                cells.Add(Cell(path?.First(obj) ?? default, type, now) ?? (type == "boolean" && !kind.IsCustom ? false : null)); // one that cannot be read shows nothing: there was a warning
            }
            if (!withAge)
            {
                cells.Add(TableLayout.AgeOf(obj, now));
            }
        }
    }

    private static string Described(PrinterColumn column) =>
        column.Description.Length > 0 ? column.Description : $"Custom resource definition column (in JSONPath format): {column.JsonPath}";

    private static object? Cell(JsonElement value, string type, DateTimeOffset now)
    {
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return null;
        }
        switch (type)
        {
            case "date":
                return value.ValueKind == JsonValueKind.String ? Date(value.Text(), now) : null;
            case "integer":
                return value.ValueKind != JsonValueKind.Number ? null : value.TryGetInt64(out var whole) ? whole : Real(value) is { } rounded ? (long)rounded : null;
            case "number":
                return Real(value);
            case "boolean":
                return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : null;
            default:
                return value.Text();
        }
    }

    /// <summary>How long ago; RFC 3339 is read, and nothing else (meta/v1 Time.UnmarshalQueryParameter).</summary>
    private static string Date(string text, DateTimeOffset now) => text.Length == 0 ? "<unknown>"
        : GoTime.Complaint(text, micro: false) is null && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? HumanDuration.Since(time, now)
        : "<invalid>";

    /// <summary>A number as a table can carry it: <c>1e999</c> is none.</summary>
    private static double? Real(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var real) && double.IsFinite(real) ? real : null;
}
