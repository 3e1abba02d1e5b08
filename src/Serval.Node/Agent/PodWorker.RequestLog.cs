using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;
using Serval.Node.Logs;

namespace Serval.Node.Agent;

// The request log: the gateway writes what upstream's sidecar prints. kubectl reads logs of containers only that a pod names, so a pod with a
// request log names one; it stands among the ephemeral ones, which need no resources and do not count for readiness.
internal sealed partial class PodWorker
{
    private const string RequestLogContainer = "queue-proxy";
    private readonly RequestLogFile? _requestLog; // null where no gateway writes
    private int _requestLogShown;
    private bool _requestLogFails;

    /// <summary>The pod and where requests to it go. Any thread.</summary>
    public (Pod Pod, string Address) Identity => (_pod, Address);

    /// <summary>Adds lines to the request log; false when that has ended. One caller at a time, on any thread.</summary>
    public bool AppendRequestLog(ReadOnlySpan<byte> lines)
    {
        try
        {
            if (_requestLog?.Append(lines) == false)
            {
                return false;
            }
            _requestLogFails = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_requestLogFails)
            {
                Log.RequestLogFailed(_node.Logger, e, _key);
            }
            _requestLogFails = true;
        }
        if (Interlocked.Exchange(ref _requestLogShown, 1) == 0 && _requestLog is not null)
        {
            _ = ShowRequestLogAsync();
        }
        return true;
    }

    private async Task ShowRequestLogAsync()
    {
        var patch = new JsonObject
        {
            ["metadata"] = new JsonObject { ["uid"] = _uid },
            ["spec"] = new JsonObject { ["ephemeralContainers"] = new JsonArray(new JsonObject { ["name"] = RequestLogContainer, ["image"] = "serval" }) },
        };
        try
        {
            await _node.Client.PatchAsync(
                Kinds.Pod, _key, new KubePatch(PatchType.StrategicMerge, CanonicalJson.Serialize(patch)), WriteOptions.By(NodeServices.FieldManager, "ephemeralcontainers"), _stop);
        }
        catch (Exception e) when (e is OperationCanceledException or ApiException { IsNotFound: true } or ApiException { IsConflict: true })
        {
            // the pod is gone
        }
        catch (Exception e)
        {
            Log.StatusFailed(_node.Logger, Microsoft.Extensions.Logging.LogLevel.Warning, e, _key);
            Volatile.Write(ref _requestLogShown, 0); // the next line tries again
        }
    }
}
