using Serval.Api;
using Serval.Kube;
using Serval.Node.Logs;

namespace Serval.Node.Agent;

/// <summary>The byte streams of the pods of this node.</summary>
internal sealed class NodePodStreams(Func<ObjectKey, PodWorker?> find, TimeProvider time) : IPodStreams
{
    public async Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct)
    {
        var (path, track) = await Find(pod).FindLogAsync(options.Container, options.Previous);
        await new LogReader(path, track, time).CopyAsync(options, output, ct);
    }

    public Task<RemoteProgram> ExecAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => Find(pod).ExecAsync(options);

    public Task<RemoteProgram> AttachAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => Find(pod).AttachAsync(options);

    public Task<Stream> DialAsync(ObjectKey pod, string uid, int port, CancellationToken ct) =>
        Find(pod) is var worker && worker.Uid == uid ? worker.DialAsync(port, ct) : throw ApiException.NotFound(Kinds.Pod, pod.Name);

    private PodWorker Find(ObjectKey pod) => find(pod) ?? throw ApiException.NotFound(Kinds.Pod, pod.Name);
}
