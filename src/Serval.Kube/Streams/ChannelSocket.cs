using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Serval.Kube.Streams;

/// <summary>A client that talks with a program over the channels of a WebSocket.</summary>
internal sealed class ChannelSocket : IRemoteClient
{
    private const byte Stdin = 0;
    private const byte Stdout = 1;
    private const byte Stderr = 2;
    private const byte Failure = 3;
    private const byte Resize = 4;
    private const byte CloseStream = 255;
    private const int MostUnread = 64 * 1024;
    private const int MostCollected = 1024; // a size of a terminal is a line

    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(10);

    private readonly WebSocket _socket;
    private readonly ChannelProtocol _protocol;
    private readonly TimeProvider _time;
    private readonly IdleLimit _limit;
    private readonly Pipe _input = new(new PipeOptions(pauseWriterThreshold: MostUnread, resumeWriterThreshold: MostUnread / 2, useSynchronizationContext: false));
    private readonly Channel<TerminalSize> _sizes = Channel.CreateBounded<TerminalSize>(new BoundedChannelOptions(4) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly ChannelConnection _connection;
    private readonly ArrayBufferWriter<byte> _collected = new(); // of a message that is used whole
    private readonly Task _reading;

    public ChannelSocket(WebSocket socket, ChannelProtocol protocol, ExecOptions options, TimeProvider time, CancellationToken ended)
    {
        (_socket, _protocol, _time) = (socket, protocol, time);
        _limit = new IdleLimit(time, ended);
        _connection = new ChannelConnection(socket, protocol, _limit);
        Streams = new RemoteStreams
        {
            Input = options.Stdin ? _input.Reader.AsStream() : null,
            Output = options.Stdout ? new SentStream(b => _connection.SendAsync(Stdout, b)) : null,
            Error = options.Stderr ? new SentStream(b => _connection.SendAsync(Stderr, b)) : null,
            Sizes = _sizes.Reader,
        };
        if (!options.Stdin)
        {
            _input.Reader.Complete(); // whatever comes is dropped
        }
        _reading = ReadAsync();
    }

    /// <summary>Whether the client can end a stream: the fifth protocol.</summary>
    public bool HasClose => _protocol.HasClose;

    public RemoteStreams Streams { get; }

    public CancellationToken Gone => _limit.Token;

    public async Task EndAsync(RemoteStatus status)
    {
        var message = _protocol.HasStatus ? status.Json : Encoding.UTF8.GetBytes(status.Text);
        if (message.Length > 0)
        {
            await _connection.SendAsync(Failure, message);
        }
        await _input.Reader.CompleteAsync(); // what still comes is read and dropped: a reset would overtake what was sent
        await _connection.CloseAsync();
        await _reading.WaitAsync(s_goodbye, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        await _limit.CancelAsync();
        _socket.Abort();
        await _input.Reader.CompleteAsync();
        await _reading;
        _socket.Dispose();
        _limit.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            // An empty message tells the client that the server is there (cri-streaming remotecommand, createWebSocketStreams).
            await _connection.SendAsync(Streams.Output is not null ? Stdout : Streams.Error is not null ? Stderr : Failure, ReadOnlyMemory<byte>.Empty);
            await _connection.ReadAsync(TakeAsync);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            // It left without a word, or spoke no WebSocket any more.
        }
        finally
        {
            await _limit.CancelAsync();
            await _input.Writer.CompleteAsync();
        }
    }

    // Channels that nobody listens to are not worth a word: upstream ignores them too.
    private async ValueTask TakeAsync(int channel, ReadOnlyMemory<byte> piece, bool last)
    {
        if (channel == Stdin)
        {
            await PassAsync(piece);
        }
        else if (channel is Resize or CloseStream && _collected.WrittenCount + piece.Length <= MostCollected)
        {
            _collected.Write(piece.Span);
        }
        if (!last)
        {
            return;
        }
        if (channel == Resize && SizeOf(_collected.WrittenSpan) is { } size)
        {
            _sizes.Writer.TryWrite(size);
        }
        else if (channel == CloseStream && _protocol.HasClose && _collected.WrittenSpan is [Stdin])
        {
            await _input.Writer.CompleteAsync();
        }
        _collected.ResetWrittenCount();
    }

    private async ValueTask PassAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _input.Writer.WriteAsync(bytes, Gone);
        }
        catch (InvalidOperationException)
        {
            // The client had ended this stream.
        }
    }

    internal static TerminalSize? SizeOf(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var size = JsonDocument.ParseValue(ref reader);
            return new TerminalSize(size.RootElement.GetProperty("Width").GetUInt16(), size.RootElement.GetProperty("Height").GetUInt16());
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}
