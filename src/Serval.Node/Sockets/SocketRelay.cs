using System.Buffers;
using System.Net.Sockets;

namespace Serval.Node.Sockets;

/// <summary>Carries what two connections say to each other. Each way ends by itself; when one breaks, both connections are reset.</summary>
internal static class SocketRelay
{
    private const int BufferSize = 32 * 1024;

    /// <summary>Completes when both ways have ended, or one has broken.</summary>
    /// <exception cref="SocketException">One broke.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop; both are reset.</exception>
    public static async Task CarryAsync(Socket one, Socket other, CancellationToken ct)
    {
        one.NoDelay = other.NoDelay = true;
        var ways = (CarryOneWayAsync(one, other, ct), CarryOneWayAsync(other, one, ct));
        var first = await Task.WhenAny(ways.Item1, ways.Item2);
        if (!first.IsCompletedSuccessfully)
        {
            Reset(one);
            Reset(other);
        }
        await Task.WhenAll(ways.Item1, ways.Item2);
    }

    /// <summary>Ends a connection so that its other end knows that something was lost.</summary>
    public static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }
        socket.Dispose();
    }

    private static async Task CarryOneWayAsync(Socket from, Socket to, CancellationToken ct)
    {
        while (true)
        {
            await from.ReceiveAsync(Memory<byte>.Empty, ct); // a connection that is silent has no buffer
            var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
            try
            {
                var read = await from.ReceiveAsync(buffer.AsMemory(), ct);
                if (read == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), ct);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
