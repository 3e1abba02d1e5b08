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
        var what = $"{ObjectWatch.Word(kind)} {name}";
        using var limit = new CancellationTokenSource(patience, context.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        var last = obj;
        try
        {
            await Progress.RunAsync(context, $"waiting for {what} to be ready", () => ObjectWatch.UntilAsync(client, kind, ns, name, seen => IsReady(last = seen), both.Token), both.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CliException(
                ExitCodes.Timeout, $"{what} is not ready after {patience.TotalSeconds:0} seconds ({Reason(Conditions.Ready(last))}); see `serval get {kind.ShortNames[0]} {name} -o yaml`");
        }
    }

    private static string Reason(Condition? ready)
    {
        var text = $"{ready?.Reason}: {ready?.Message}".Trim(' ', ':');
        return text.Length > 0 ? text : "no reason given yet";
    }

    // A condition about an older generation says nothing about what was just applied.
    private static bool IsReady(JsonObject obj) => Conditions.Ready(obj)?.Status == "True" && Conditions.AreCurrent(obj);
}
