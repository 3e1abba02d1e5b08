using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Serval.Api;

namespace Serval.Kube.Streams;

/// <summary>
/// Connections to ports of one pod over the channels of a WebSocket: one a port, with a channel of data and one for what goes wrong, each of which
/// begins with the port's number (cri-streaming portforward/websocket.go).
/// </summary>
internal sealed class PortForwardSocket(IPodStreams source, ObjectKey pod, string uid, IReadOnlyList<int> ports, TimeProvider time, IdleLimit limit)
{
    private const int MostUnread = 64 * 1024;
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(10);

    private readonly Pipe[] _incoming =
        [.. ports.Select(_ => new Pipe(new PipeOptions(pauseWriterThreshold: MostUnread, resumeWriterThreshold: MostUnread / 2, useSynchronizationContext: false)))];

    public async Task RunAsync(WebSocket socket, ChannelProtocol protocol)
    {
        var connection = new ChannelConnection(socket, protocol, limit);
        var carrying = Task.WhenAll(ports.Select((port, i) => CarryAsync(connection, i, port)));
        var reading = connection.ReadAsync(TakeAsync);
        try
        {
            if (await Task.WhenAny(reading, carrying) == carrying)
            {
                await connection.CloseAsync(); // nothing is carried any more
                await reading.WaitAsync(s_goodbye, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }
            await reading;
        }
        finally
        {
            await limit.CancelAsync();
            await Task.WhenAll(reading, carrying).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task CarryAsync(ChannelConnection connection, int index, int port)
    {
        var (data, errors) = ((byte)(2 * index), (byte)((2 * index) + 1));
        var number = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(number, (ushort)port);
        await connection.SendAsync(data, number);
        await connection.SendAsync(errors, number);
        await using var incoming = _incoming[index].Reader.AsStream(); // its end lets what still comes be dropped
        var client = new DuplexStream(incoming, bytes => connection.SendAsync(data, bytes));
        try
        {
            await PortForward.CarryAsync(source, pod, uid, port, client, limit.Token);
        }
        catch (IOException e)
        {
            await connection.SendAsync(errors, PortForward.Failure(pod, uid, port, e));
        }
    }

    private async ValueTask TakeAsync(int channel, ReadOnlyMemory<byte> piece, bool last)
    {
        if (channel >= 0 && channel % 2 == 0 && channel / 2 < _incoming.Length) // others are nobody's: upstream drops them too
        {
            await _incoming[channel / 2].Writer.WriteAsync(piece, limit.Token);
        }
    }

    private sealed class DuplexStream(Stream incoming, Func<ReadOnlyMemory<byte>, Task> send) : AsyncStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => incoming.ReadAsync(buffer, cancellationToken);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await send(buffer);
    }
}
