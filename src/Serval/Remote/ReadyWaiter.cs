using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>Waits for the Ready condition of objects that have one; what never had one is ready.</summary>
internal sealed class ReadyWaiter(RemoteClient client, CliContext context, TimeSpan patience)
{
    public async Task WaitAsync(ResourceKind kind, JsonObject obj, CancellationToken ct)
    {
        if (kind != Kinds.KService && kind != Kinds.Configuration && kind != Kinds.Revision && kind != Kinds.Route)
        {
            return;
        }
        var ns = (string?)obj["metadata"]?["namespace"] ?? "";
        var name = (string?)obj["metadata"]?["name"] ?? "";
        var what = $"{ApplyTarget(kind)} {name}";
        using var limit = new CancellationTokenSource(patience, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        var last = obj;
        try
        {
            await Progress.RunAsync(context, $"waiting for {what} to be ready", () => WatchAsync(kind, ns, name, seen => last = seen, both.Token), both.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            var ready = ReadyOf(last);
            throw new CliException(
                ExitCodes.Timeout, $"{what} is not ready after {patience.TotalSeconds:0} seconds ({Reason(ready)}); see `serval get {kind.ShortNames[0]} {name} -o yaml`");
        }
    }

    private static string ApplyTarget(ResourceKind kind) => kind == Kinds.KService ? "service" : kind.Singular;

    private static JsonNode? ReadyOf(JsonObject obj) =>
        (obj["status"]?["conditions"] as JsonArray)?.FirstOrDefault(c => (string?)c?["type"] == "Ready");

    private static string Reason(JsonNode? ready)
    {
        var text = $"{(string?)ready?["reason"]}: {(string?)ready?["message"]}".Trim(' ', ':');
        return text.Length > 0 ? text : "no reason given yet";
    }

    private async Task WatchAsync(ResourceKind kind, string ns, string name, Action<JsonObject> seen, CancellationToken ct)
    {
        while (true)
        {
            var path = ResourcePath.Of(kind, ns, query: [("watch", "true"), ("fieldSelector", $"metadata.name={name}")]);
            await foreach (var (type, obj) in client.WatchAsync(path, ct))
            {
                if (type == "ERROR")
                {
                    break;
                }
                seen(obj);
                if (type == "DELETED")
                {
                    throw new CliException(ExitCodes.NotFound, $"{ApplyTarget(kind)} {name} was deleted while waiting for it; apply it again");
                }
                if (IsReady(obj))
                {
                    return;
                }
            }
        }
    }

    // A condition about an older generation says nothing about what was just applied.
    private static bool IsReady(JsonObject obj) =>
        (string?)ReadyOf(obj)?["status"] == "True" && (long?)obj["status"]?["observedGeneration"] == (long?)obj["metadata"]?["generation"];
}
