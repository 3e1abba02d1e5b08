using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Serval.Api;
using Serval.Kube.Spdy;

namespace Serval.Kube.Streams;

/// <summary>
/// Connections to the ports of one pod over SPDY: for each a stream of data and one for what goes wrong (cri-streaming portforward/httpstream.go).
/// </summary>
internal sealed class PortForward(IPodStreams source, ObjectKey pod, string uid, TimeProvider time, IdleLimit limit)
{
    /// <summary>The protocol, in both headers that can name it.</summary>
    public const string Protocol = "portforward.k8s.io";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // for the second stream of a pair

    private readonly ConcurrentDictionary<string, (SpdyStream Stream, CancellationTokenSource Paired)> _waiting = new();

    /// <summary>Serves a client until it has gone.</summary>
    public Task RunAsync(Stream transport) => new SpdyConnection(transport, limit, IsServed, stream => _ = PairAsync(stream)).RunAsync();

    /// <summary>Carries bytes between a client and a port of the pod until either is done. <see cref="IOException"/>: nobody answers there.</summary>
    public static async Task CarryAsync(IPodStreams source, ObjectKey pod, string uid, int port, Stream client, CancellationToken ct)
    {
        await using var inside = await DialAsync(source, pod, uid, port, ct);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var there = ThereAsync();
        try
        {
            await inside.CopyToAsync(client, over.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // The client wants no more of it.
        }
        finally
        {
            await over.CancelAsync();
            await there;
        }

        async Task ThereAsync()
        {
            try
            {
                await client.CopyToAsync(inside, over.Token);
                await EndAsync(inside); // the answer may still come
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                await over.CancelAsync();
            }
        }
    }

    private static async Task EndAsync(Stream inside)
    {
        if (inside is IHalfConnection remote)
        {
            await remote.EndAsync();
        }
        (inside as NetworkStream)?.Socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<Stream> DialAsync(IPodStreams source, ObjectKey pod, string uid, int port, CancellationToken ct)
    {
        try
        {
            return await source.DialAsync(pod, uid, port, ct);
        }
        catch (ApiException e)
        {
            throw new IOException(e.Message, e); // the pod has gone since the session began
        }
    }

    /// <summary>What a client is told.</summary>
    public static byte[] Failure(ObjectKey pod, string uid, int port, IOException cause) =>
        Encoding.UTF8.GetBytes($"error forwarding port {port} to pod {pod.Name}, uid {uid}: {cause.Message}");

    private static bool IsServed(SpdyStream stream) => PortOf(stream) > 0 && stream.Header("streamtype") is "data" or "error";

    private static int PortOf(SpdyStream stream) =>
        ushort.TryParse(stream.Header("port"), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0;

    // Clients of old give no number: their two streams come one after the other, the error first.
    private static string RequestOf(SpdyStream stream) => stream.Header("requestid") is { Length: > 0 } own
        ? own
        : (stream.Header("streamtype") == "error" ? stream.Id : stream.Id - 2).ToString(CultureInfo.InvariantCulture);

    private async Task PairAsync(SpdyStream stream)
    {
        try
        {
            var request = RequestOf(stream);
            if (!_waiting.TryRemove(request, out var first))
            {
                await WaitAsync(request, stream);
                return;
            }
            await first.Paired.CancelAsync();
            if (first.Stream.Header("streamtype") == stream.Header("streamtype"))
            {
                await using var one = first.Stream;
                await using var other = stream;
                return;
            }
            var (data, errors) = stream.Header("streamtype") == "data" ? (stream, first.Stream) : (first.Stream, stream);
            await ForwardAsync(data, errors);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client has gone.
        }
    }

    private async Task WaitAsync(string request, SpdyStream stream)
    {
        using var paired = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        _waiting[request] = (stream, paired);
        await Task.Delay(s_patience, time, paired.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_waiting.TryRemove(KeyValuePair.Create(request, (stream, paired))))
        {
            await using var _ = stream;
            await stream.WriteAsync(stream.Header("streamtype") == "error" ? "timed out waiting for streams"u8.ToArray() : []);
        }
    }

    private async Task ForwardAsync(SpdyStream data, SpdyStream errors)
    {
        await using var first = errors;
        await using var second = data;
        try
        {
            await CarryAsync(source, pod, uid, PortOf(data), data, limit.Token);
        }
        catch (IOException e)
        {
            await errors.WriteAsync(Failure(pod, uid, PortOf(data), e));
        }
    }
}
