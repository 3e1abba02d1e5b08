using Serval.Api;
using Serval.Kube;
using Serval.Node.Agent;

namespace Serval.Node.Logs;

/// <summary>The logs of the pods of this node.</summary>
internal sealed class NodePodStreams(Func<ObjectKey, PodWorker?> find, TimeProvider time) : IPodStreams
{
    public async Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct)
    {
        var worker = find(pod) ?? throw ApiException.NotFound(Kinds.Pod, pod.Name);
        var (path, track) = await worker.FindLogAsync(options.Container, options.Previous);
        await new LogReader(path, track, time).CopyAsync(options, output, ct);
    }
}
