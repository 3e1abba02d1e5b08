using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Commands;

namespace Serval.Remote;

/// <summary>Objects as the server renders them for people (meta.k8s.io/v1 Table).</summary>
internal sealed record ServerTable(ResourceKind Kind, IReadOnlyList<ServerTable.Column> Columns, IReadOnlyList<ServerTable.Row> Rows)
{
    internal sealed record Column(string Name, long Priority);

    internal sealed record Row(string Namespace, string Name, IReadOnlyList<string> Cells);

    public static async Task<ServerTable> ReadAsync(RemoteClient client, ResourceKind kind, string path, CancellationToken ct)
    {
        var answer = await client.GetAsync(path, ct, RemoteClient.TableType);
        return (string?)answer["kind"] == "Table" ? FromTable(kind, answer) : FromObjects(kind, answer);
    }

    /// <summary>Tables of one kind as one.</summary>
    public static ServerTable Join(IReadOnlyList<ServerTable> tables) => tables[0] with { Rows = [.. tables.SelectMany(t => t.Rows)] };

    public void Write(TextWriter target, bool wide, bool namespaces, bool prefix)
    {
        var shown = Columns.Index().Where(c => wide || c.Item.Priority == 0).Select(c => c.Index).ToArray();
        string[] headers = [.. namespaces ? ["Namespace"] : Array.Empty<string>(), .. shown.Select(i => Columns[i].Name)];
        var rows = Rows.Select(r => (IReadOnlyList<string>)
        [
            .. namespaces ? [r.Namespace] : Array.Empty<string>(),
            .. shown.Select(i => i == 0 && prefix ? $"{ApplyCommand.Reference(Kind)}/{r.Cells[i]}" : r.Cells[i]),
        ]);
        TableWriter.Write(target, headers, [.. rows]);
    }

    private static ServerTable FromTable(ResourceKind kind, JsonObject table)
    {
        var columns = List(table, "columnDefinitions").Select(c => new Column((string?)c["name"] ?? "", (long?)c["priority"] ?? 0)).ToArray();
        var rows = List(table, "rows").Select(r =>
        {
            var metadata = r["object"]?["metadata"];
            var cells = (r["cells"] as JsonArray ?? []).Select(Text).ToArray();
            Array.Resize(ref cells, columns.Length);
            return new Row((string?)metadata?["namespace"] ?? "", (string?)metadata?["name"] ?? "", [.. cells.Select(c => c ?? "")]);
        });
        return new ServerTable(kind, columns, [.. rows]);
    }

    private static ServerTable FromObjects(ResourceKind kind, JsonObject answer)
    {
        var items = answer["items"] is JsonArray list ? list.OfType<JsonObject>() : [answer];
        var rows = items.Select(i => new Row((string?)i["metadata"]?["namespace"] ?? "", (string?)i["metadata"]?["name"] ?? "", [(string?)i["metadata"]?["name"] ?? ""]));
        return new ServerTable(kind, [new Column("Name", 0)], [.. rows]);
    }

    private static string Text(JsonNode? cell) => cell switch
    {
        null => "",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>().ReplaceLineEndings(" "),
        _ => cell.ToJsonString(),
    };

    private static IEnumerable<JsonObject> List(JsonObject map, string field) => (map[field] as JsonArray)?.OfType<JsonObject>() ?? [];
}
