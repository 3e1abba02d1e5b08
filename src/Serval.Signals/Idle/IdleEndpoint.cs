using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// Tells a node when a gateway has nothing in flight at an instance. First the gateway must have come to know what the node had told when it asked: else
/// it would say idle and then send a request.
/// </summary>
public sealed class IdleEndpoint(IDrainGate gate, CapacityReader capacity, TimeProvider time) : ISignalEndpoint
{
    internal const string Where = "/signals/idle";

    public string Path => Where;

    /// <summary>Where to ask.</summary>
    internal static string Of(ObjectKey revision, string pod, bool empty, string node, long after) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Where}?namespace={Uri.EscapeDataString(revision.Namespace)}&revision={Uri.EscapeDataString(revision.Name)}&pod={Uri.EscapeDataString(pod)}&until={(empty ? "empty" : "idle")}&node={Uri.EscapeDataString(node)}&after={after}");

    public async Task AnswerAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var revision = new ObjectKey(Text(query["namespace"], "namespace"), Text(query["revision"], "revision"));
        var (pod, node) = (Text(query["pod"], "pod"), Text(query["node"], "node"));
        if (!long.TryParse(query["after"], NumberStyles.None, CultureInfo.InvariantCulture, out var after) || query["until"].ToString() is not ("idle" or "empty"))
        {
            throw ApiException.BadRequest("until must be idle or empty, after a number");
        }
        var lines = new LineStream(http, time);
        await lines.SendAsync(default, http.RequestAborted);
        var idle = WhenAsync(revision, pod, query["until"] == "empty", node, after, http.RequestAborted);
        while (await Task.WhenAny(idle, Task.Delay(LineStream.Pulse, time, http.RequestAborted)) != idle)
        {
            await lines.SendAsync(default, http.RequestAborted);
        }
        await idle;
        await lines.SendAsync("{}"u8.ToArray(), http.RequestAborted);
    }

    private async Task WhenAsync(ObjectKey revision, string pod, bool empty, string node, long after, CancellationToken ct)
    {
        await capacity.WhenReachedAsync(node, after, ct);
        await (empty ? gate.WhenEmptyAsync(revision, pod, ct) : gate.WhenIdleAsync(revision, pod, ct));
    }

    private static string Text(StringValues value, string name) =>
        value is [{ Length: > 0 and <= 253 } text] ? text : throw ApiException.BadRequest($"{name} must be given, once, with at most 253 characters");
}
