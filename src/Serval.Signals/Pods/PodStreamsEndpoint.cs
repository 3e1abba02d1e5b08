using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// On a node: logs, programs and ports of its pods, for the API server. Each is a connection of its own, switched to <see cref="StreamFrames"/>; what can be
/// refused is before. Asked without a switch, a program is only looked for.
/// </summary>
/// <param name="node">The node's name: callers need the right to <c>nodes/proxy</c> of it, as at a kubelet.</param>
/// <param name="streams">Its pods.</param>
/// <param name="time">The clock.</param>
public sealed class PodStreamsEndpoint(string node, IPodStreams streams, TimeProvider time) : ISignalEndpoint
{
    private const int MostUnread = 64 << 10;
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(10);

    public string Path => PodPaths.Root;

    public SignalRight Right => SignalRight.ToNode(node);

    public async Task AnswerAsync(HttpContext http)
    {
        var (pod, what) = PodPaths.Read(http.Request.Path.Value ?? "") ?? throw Unknown();
        var query = http.Request.Query;
        switch (what)
        {
            case PodPaths.Log:
                var wanted = PodPaths.Logs(query);
                await TalkAsync(http, async (streams, gone) =>
                {
                    await LogAsync(pod, wanted, streams, gone);
                    return 0;
                });
                return;
            case PodPaths.Port:
                var (uid, port) = PodPaths.Dial(query);
                await using (var inside = await DialAsync(pod, uid, port, http.RequestAborted))
                {
                    await TalkAsync(http, (streams, gone) => CarryAsync(inside, streams, gone));
                }
                return;
            case PodPaths.Exec or PodPaths.Attach:
                var options = PodPaths.Program(query);
                var program = await (what == PodPaths.Exec ? streams.ExecAsync(pod, options, http.RequestAborted) : streams.AttachAsync(pod, options, http.RequestAborted));
                if (Upgrade(http) is not null)
                {
                    await TalkAsync(http, program, options);
                }
                return;
            default:
                throw Unknown();
        }
    }

    private static ApiException Unknown() => new(404, "NotFound", "the server could not find the requested resource");

    private Task LogAsync(ObjectKey pod, LogOptions wanted, RemoteStreams remote, CancellationToken gone) => streams.CopyLogsAsync(pod, wanted, remote.Output!, gone);

    private async Task<Stream> DialAsync(ObjectKey pod, string uid, int port, CancellationToken ct)
    {
        try
        {
            return await streams.DialAsync(pod, uid, port, ct);
        }
        catch (IOException e)
        {
            throw new ApiException(RemotePodStreams.NobodyAnswers, "BadGateway", e.Message);
        }
    }

    private static async Task<int> CarryAsync(Stream inside, RemoteStreams remote, CancellationToken gone)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(gone);
        var there = ThereAsync();
        try
        {
            await inside.CopyToAsync(remote.Output!, over.Token);
        }
        catch (OperationCanceledException) when (!gone.IsCancellationRequested)
        {
            // It takes nothing any more.
        }
        finally
        {
            await over.CancelAsync();
            await there;
        }
        return 0;

        async Task ThereAsync()
        {
            try
            {
                await remote.Input!.CopyToAsync(inside, over.Token);
                (inside as NetworkStream)?.Socket.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                await over.CancelAsync();
            }
        }
    }

    private static IHttpUpgradeFeature? Upgrade(HttpContext http) =>
        http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } feature && http.Request.Headers.Upgrade == StreamFrames.Protocol ? feature : null;

    private async Task TalkAsync(HttpContext http, RemoteProgram program, ExecOptions? options = null)
    {
        var upgrade = Upgrade(http) ?? throw ApiException.BadRequest("Upgrade request required");
        http.Response.Headers.Connection = "Upgrade";
        http.Response.Headers.Upgrade = StreamFrames.Protocol;
        await using var frames = new StreamFrames(await upgrade.UpgradeAsync(), time);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        await using var abandoned = gone.Token.Register(frames.Abandon);
        var input = new Pipe(new PipeOptions(pauseWriterThreshold: MostUnread, resumeWriterThreshold: MostUnread / 2, useSynchronizationContext: false));
        var sizes = Channel.CreateBounded<TerminalSize>(new BoundedChannelOptions(4) { FullMode = BoundedChannelFullMode.DropOldest });
        var reading = ListenAsync(frames, input.Writer, sizes.Writer, gone);
        var remote = new RemoteStreams
        {
            Input = options is { Stdin: false } ? null : input.Reader.AsStream(leaveOpen: true),
            Output = options is { Stdout: false } ? null : new SentStream(b => frames.SendAsync(StreamFrame.Output, b, gone.Token)),
            Error = options is { Stderr: false } or null ? null : new SentStream(b => frames.SendAsync(StreamFrame.Error, b, gone.Token)),
            Sizes = sizes.Reader,
        };
        try
        {
            var result = await ResultAsync(program, remote, gone.Token);
            await input.Reader.CompleteAsync(); // what still comes is read and dropped: a reset would overtake what was sent
            await frames.SendAsync(StreamFrame.Result, result, gone.Token);
            await reading.WaitAsync(s_goodbye, time, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception e) when (gone.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // There is nobody to tell.
        }
        finally
        {
            await gone.CancelAsync();
            await input.Reader.CompleteAsync();
            await reading;
        }
    }

    private static async Task<byte[]> ResultAsync(RemoteProgram program, RemoteStreams remote, CancellationToken gone)
    {
        try
        {
            return StreamResult.Of(await program(remote, gone));
        }
        catch (ApiException e)
        {
            return StreamResult.Of(e);
        }
        catch (IOException e) when (!gone.IsCancellationRequested)
        {
            return StreamResult.Of(new ApiException(500, "", e.Message));
        }
    }

    // The reader's leaving, told or not, is what ends the program.
    private static async Task ListenAsync(StreamFrames frames, PipeWriter input, ChannelWriter<TerminalSize> sizes, CancellationTokenSource gone)
    {
        try
        {
            await frames.ReadAsync(TakeAsync, gone.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It left without a word.
        }
        finally
        {
            await gone.CancelAsync();
            await input.CompleteAsync();
        }

        async ValueTask<bool> TakeAsync(StreamFrame kind, ReadOnlyMemory<byte> bytes)
        {
            switch (kind)
            {
                case StreamFrame.Input:
                    await input.WriteAsync(bytes, gone.Token);
                    break;
                case StreamFrame.InputEnd:
                    await input.CompleteAsync();
                    break;
                case StreamFrame.Size when bytes.Length == 2 * sizeof(ushort):
                    sizes.TryWrite(new TerminalSize(BinaryPrimitives.ReadUInt16BigEndian(bytes.Span), BinaryPrimitives.ReadUInt16BigEndian(bytes.Span[sizeof(ushort)..])));
                    break;
                default:
                    throw new IOException($"{kind} of {bytes.Length} bytes is not expected here");
            }
            return true;
        }
    }
}
