using System.Buffers.Binary;
using System.Threading.Channels;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>On the API server: the streams of pods, from the nodes that run them. A node that does not answer is an error as at kubernetes' API server.</summary>
/// <param name="client">Knows the pods.</param>
/// <param name="peers">Knows the nodes.</param>
/// <param name="signals">Reaches them.</param>
/// <param name="time">The clock.</param>
public sealed class RemotePodStreams(IKubeClient client, PeerDirectory peers, SignalClient signals, TimeProvider time) : IPodStreams
{
    /// <summary>The code by which a node says that nobody answers at a port.</summary>
    internal const int NobodyAnswers = 502;

    public async Task CopyLogsAsync(ObjectKey pod, LogOptions options, Stream output, CancellationToken ct)
    {
        if (await FindAsync(pod, ct) is not { } node)
        {
            return; // no node has it yet, so it has said nothing (kubernetes pkg/registry/core/pod/strategy.go, LogLocation)
        }
        await using var frames = await OpenAsync(node, PodPaths.Of(pod, options), ct);
        await ReadAsync(node, frames, new RemoteStreams { Output = output, Sizes = Channel.CreateBounded<TerminalSize>(1).Reader }, ct);
    }

    public Task<RemoteProgram> ExecAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => ProgramAsync(pod, PodPaths.Of(pod, PodPaths.Exec, options), ct);

    public Task<RemoteProgram> AttachAsync(ObjectKey pod, ExecOptions options, CancellationToken ct) => ProgramAsync(pod, PodPaths.Of(pod, PodPaths.Attach, options), ct);

    public async Task<Stream> DialAsync(ObjectKey pod, string uid, int port, CancellationToken ct)
    {
        try
        {
            return new RemoteConnection(await OpenAsync(await AssignedAsync(pod, ct), PodPaths.Of(pod, uid, port), ct));
        }
        catch (ApiException e) when (e.Code == NobodyAnswers)
        {
            throw new IOException(e.Message, e);
        }
    }

    private async Task<RemoteProgram> ProgramAsync(ObjectKey pod, string path, CancellationToken ct)
    {
        var node = await AssignedAsync(pod, ct);
        (await AskAsync(() => signals.SendAsync(node, HttpMethod.Get, path, ct))).Dispose(); // what can be refused is, before the client's protocol changes
        return (streams, gone) => RunAsync(node, path, streams, gone);
    }

    private async Task<int> RunAsync(Peer node, string path, RemoteStreams streams, CancellationToken ct)
    {
        await using var frames = await OpenAsync(node, path, ct);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var sending = Task.WhenAll(SendSizesAsync(frames, streams, over.Token), SendInputAsync(frames, streams, over.Token)); // a size that is known goes first
        try
        {
            return await ReadAsync(node, frames, streams, ct);
        }
        finally
        {
            await over.CancelAsync();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // what counts is what the node said
        }
    }

    private static async Task SendInputAsync(StreamFrames frames, RemoteStreams streams, CancellationToken ct)
    {
        if (streams.Input is { } input)
        {
            await input.CopyToAsync(new SentStream(b => frames.SendAsync(StreamFrame.Input, b, ct)), ct);
            await frames.SendAsync(StreamFrame.InputEnd, default, ct);
        }
    }

    private static async Task SendSizesAsync(StreamFrames frames, RemoteStreams streams, CancellationToken ct)
    {
        var bytes = new byte[2 * sizeof(ushort)];
        await foreach (var size in streams.Sizes.ReadAllAsync(ct))
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes, size.Width);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(sizeof(ushort)), size.Height);
            await frames.SendAsync(StreamFrame.Size, bytes, ct);
        }
    }

    /// <summary>Passes on what a program says. Returns its exit code.</summary>
    private static async Task<int> ReadAsync(Peer node, StreamFrames frames, RemoteStreams streams, CancellationToken ct)
    {
        int? code = null;
        IOException? here = null;
        try
        {
            await frames.ReadAsync(TakeAsync, ct);
        }
        catch (IOException e) when (here is null)
        {
            throw Lost(e.Message);
        }
        return code ?? throw Lost("it ended");

        async ValueTask<bool> TakeAsync(StreamFrame kind, ReadOnlyMemory<byte> bytes)
        {
            if (kind == StreamFrame.Result)
            {
                code = StreamResult.Read(bytes.Span);
                return false;
            }
            try
            {
                await ((kind == StreamFrame.Error ? streams.Error : streams.Output)?.WriteAsync(bytes, ct) ?? default);
            }
            catch (IOException e)
            {
                here = e; // the client's end
                throw;
            }
            return true;
        }

        ApiException Lost(string why) => new(500, "", $"the connection to node {node.Id} was lost: {why}");
    }

    private async Task<StreamFrames> OpenAsync(Peer node, string path, CancellationToken ct) =>
        new(await AskAsync(() => signals.UpgradeAsync(node, path, StreamFrames.Protocol, ct)), time);

    // As proxies of kubernetes say it (apimachinery pkg/util/proxy/upgradeaware.go). That the node does not believe this server is nothing the caller could mend.
    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (ApiException e) when (e.Code is 401 or 403 or 429 or 503)
        {
            throw NotReached(e.Message);
        }
        catch (Exception e) when (e is HttpRequestException or TimeoutException)
        {
            throw NotReached(e.InnerException?.Message ?? e.Message);
        }
    }

    private async Task<Peer> AssignedAsync(ObjectKey pod, CancellationToken ct) =>
        await FindAsync(pod, ct) ?? throw ApiException.BadRequest($"pod {pod.Name} does not have a host assigned");

    private async Task<Peer?> FindAsync(ObjectKey pod, CancellationToken ct)
    {
        var name = (await client.GetAsync(Kinds.Pod, pod, ct)).As<Pod>().Spec.NodeName;
        if (name.Length == 0 || peers.Find(PeerRole.Node, name) is { } node)
        {
            return name.Length == 0 ? null : peers.Find(PeerRole.Node, name);
        }
        await client.GetAsync(Kinds.Node, ObjectKey.Cluster(name), ct); // one that is unknown is NotFound
        throw NotReached($"node {name} has not renewed its lease");
    }

    private static ApiException NotReached(string why) => new(500, "", $"error dialing backend: {why}");
}
