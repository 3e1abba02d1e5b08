using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Serval.Kube.Spdy;

namespace Serval.Kube.Streams;

/// <summary>A client that talks with a program over SPDY: it opens a stream for each of the program's (cri-streaming remotecommand/httpstream.go).</summary>
internal sealed class SpdyRemoteClient : IRemoteClient
{
    private const string V4 = "v4.channel.k8s.io";
    private const string V3 = "v3.channel.k8s.io";
    private const int MostOfASize = 1024;

    private static readonly TimeSpan s_creation = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(10);

    private readonly Stream _transport;
    private readonly string _protocol;
    private readonly TimeProvider _time;
    private readonly IdleLimit _limit;
    private readonly HashSet<string> _expected = ["error"];
    private readonly ConcurrentDictionary<string, SpdyStream> _streams = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<TerminalSize> _sizes = Channel.CreateBounded<TerminalSize>(new BoundedChannelOptions(4) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Task _reading;

    private SpdyRemoteClient(Stream transport, string protocol, ExecOptions options, TimeProvider time, CancellationToken ended)
    {
        (_transport, _protocol, _time, _limit) = (transport, protocol, time, new IdleLimit(time, ended));
        foreach (var (wanted, name) in new[]
        {
            (options.Stdin, "stdin"), (options.Stdout, "stdout"), (options.Stderr, "stderr"), (options.Tty && protocol is V4 or V3, "resize"),
        })
        {
            if (wanted)
            {
                _expected.Add(name);
            }
        }
        _reading = ReadAsync();
    }

    /// <summary>Best first.</summary>
    public static string[] Protocols { get; } = [V4, V3, "v2.channel.k8s.io", "channel.k8s.io"];

    public RemoteStreams Streams { get; private set; } = null!; // set by MeetAsync, before anybody has it

    public CancellationToken Gone => _limit.Token;

    /// <summary>Waits until the client has opened its streams. <see cref="IOException"/>: it does not.</summary>
    public static async Task<SpdyRemoteClient> MeetAsync(Stream transport, string protocol, ExecOptions options, TimeProvider time, CancellationToken ended)
    {
        var client = new SpdyRemoteClient(transport, protocol, options, time, ended);
        try
        {
            await client._complete.Task.WaitAsync(s_creation, time, client.Gone);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            await client.DisposeAsync();
            throw new IOException("the client did not create its streams", e);
        }
        client.Streams = new RemoteStreams { Input = client.Find("stdin"), Output = client.Find("stdout"), Error = client.Find("stderr"), Sizes = client._sizes.Reader };
        return client;
    }

    public async Task EndAsync(RemoteStatus status)
    {
        var errors = _streams["error"];
        await errors.WriteAsync(_protocol == V4 ? status.Json : Encoding.UTF8.GetBytes(status.Text));
        foreach (var stream in _streams.Values)
        {
            await stream.DisposeAsync();
        }
        await _reading.WaitAsync(s_goodbye, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it closes when it has read all
    }

    public async ValueTask DisposeAsync()
    {
        await _limit.CancelAsync();
        await _transport.DisposeAsync();
        await _reading;
        _limit.Dispose();
    }

    private SpdyStream? Find(string name) => _streams.GetValueOrDefault(name);

    private async Task ReadAsync()
    {
        try
        {
            await new SpdyConnection(_transport, _limit, s => _expected.Contains(s.Header("streamtype")) && !_streams.ContainsKey(s.Header("streamtype")), Add).RunAsync();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It left without a word, or spoke no SPDY any more.
        }
        finally
        {
            await _limit.CancelAsync();
        }
    }

    private void Add(SpdyStream stream)
    {
        _streams[stream.Header("streamtype")] = stream;
        if (stream.Header("streamtype") == "resize")
        {
            _ = ResizeAsync(stream);
        }
        if (_streams.Count == _expected.Count)
        {
            _complete.TrySetResult();
        }
    }

    // One document after the other, each with a line end (client-go remotecommand/v3.go).
    private async Task ResizeAsync(SpdyStream stream)
    {
        try
        {
            var line = new byte[MostOfASize];
            var length = 0;
            while (length < line.Length && await stream.ReadAsync(line.AsMemory(length), Gone) is > 0 and var got)
            {
                length += got;
                while (line.AsSpan(0, length).IndexOf((byte)'\n') is >= 0 and var end)
                {
                    if (ChannelSocket.SizeOf(line.AsSpan(0, end)) is { } size)
                    {
                        _sizes.Writer.TryWrite(size);
                    }
                    line.AsSpan(end + 1, length - end - 1).CopyTo(line);
                    length -= end + 1;
                }
            }
            if (length == line.Length)
            {
                await stream.DisposeAsync(); // no size is that long: what still comes is dropped
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client has gone.
        }
    }
}
