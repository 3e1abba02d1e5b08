using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Node.Agent;

// Writing the status: after the signals, coalesced, one write at a time, and only when it differs.
internal sealed partial class PodWorker
{
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_afterRelease = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_writeRetry = TimeSpan.FromSeconds(1);

    private readonly bool _claimsReady;
    private byte[] _written = [];
    private KubeObject? _told; // the pod as the last status left it
    private bool _dirty;
    private bool _dueNow;
    private bool _writing;
    private bool _settling;
    private bool _writeFails;

    /// <summary>The status has to be written: at once, or after a pause in which a quick program becomes ready.</summary>
    private void MarkDirty(bool now)
    {
        _dirty = true;
        _dueNow |= now;
    }

    /// <summary>Ends when the requests that this instance's readiness released are answered; ended when there were none.</summary>
    private Task AnswersReleased() =>
        _revision.Name.Length == 0 ? Task.CompletedTask : _node.Drain.WhenIdleAsync(_revision, _uid, _stop);

    /// <summary>On a wake the status waits for the answers that readiness set free, or 25 ms: no write goes between the spawn and their first byte.</summary>
    private async Task WriteAfterAsync(Task released)
    {
        await Task.WhenAny(released, Task.Delay(s_afterRelease, _node.Time, _stop));
        Post(() => MarkDirty(now: true));
    }

    private void FlushWhenDue()
    {
        if (!_dirty || _writing || _stopping)
        {
            return;
        }
        if (_dueNow)
        {
            Flush();
        }
        else if (!_settling)
        {
            _settling = true;
            After(s_settle, () =>
            {
                _settling = false;
                _dueNow |= _dirty;
            });
        }
    }

    private void Flush()
    {
        (_dirty, _dueNow) = (false, false);
        var patch = CanonicalJson.Serialize(Patch());
        if (patch.AsSpan().SequenceEqual(_written))
        {
            return;
        }
        _writing = true;
        _ = WriteAsync(patch);
    }

    private JsonObject Patch()
    {
        var metadata = new JsonObject { ["uid"] = _uid };
        if (_ports is { Map.Count: > 0 } ports && (_network is null || _pod.Metadata.Annotation(NodeServices.PortsAnnotation) is not null))
        {
            // Null takes away what a run without pod networks wrote.
            metadata["annotations"] = new JsonObject { [NodeServices.PortsAnnotation] = _network is null ? ports.Annotation : null };
        }
        return new JsonObject { ["metadata"] = metadata, ["status"] = _status.Build(_pod, _node.Address, KnownAddress, _slots, _added, _failure, _node.Time.GetUtcNow()) };
    }

    private async Task WriteAsync(byte[] patch)
    {
        KubeObject? told = null;
        var written = false;
        try
        {
            told = await PatchStatusAsync(patch);
            written = true;
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            written = true; // the pod is gone: its Deleted event is on the way
        }
        catch (Exception e)
        {
            // Told once: while a disk is full it would be told each second of every pod.
            Log.StatusFailed(_node.Logger, _writeFails ? LogLevel.Debug : LogLevel.Warning, e, _key);
        }
        Post(() =>
        {
            _writing = false;
            _writeFails = !written;
            if (written)
            {
                _written = patch;
                _told = told;
            }
            else
            {
                After(s_writeRetry, () => MarkDirty(now: true));
            }
        });
    }

    /// <summary>
    /// Whether somebody else has said that the pod is not ready since this node said that it is: a controller that took the node for lost. Kubernetes' gives no reason
    /// (kubernetes pkg/controller/util/node, MarkPodsNotReady), Serval's does, which also counts when an earlier run of this agent said it.
    /// </summary>
    private bool IsTakenForLost(KubeObject pod) => _pod.Status.Conditions.FirstOrDefault(c => c.Type == "Ready") is { Status: "False" } ready
        && (ready.Reason == "NodeLost" || (_told?.Version < pod.Version && _told.As<Pod>().Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" })));

    private Task<KubeObject> PatchStatusAsync(byte[] patch) => _node.Client.PatchAsync(
        Kinds.Pod, _key, new KubePatch(PatchType.Merge, patch), WriteOptions.By(NodeServices.FieldManager, "status"));

    // The agent shuts down: what the next start, or another reader of the store, should know.
    private async Task WriteLastStatusAsync()
    {
        try
        {
            await PatchStatusAsync(CanonicalJson.Serialize(Patch())).WaitAsync(TimeSpan.FromSeconds(2), _node.Time);
        }
        catch (Exception e)
        {
            Log.StatusFailed(_node.Logger, LogLevel.Warning, e, _key);
        }
        finally
        {
            Post(() => _done = true);
        }
    }
}
