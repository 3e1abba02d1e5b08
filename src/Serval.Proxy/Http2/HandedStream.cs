using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>
/// The socket as Kestrel expects a transport: what was read of it already is read first, and what is written to a client that has gone is
/// dropped and told once, never thrown (Kestrel reports an exception of its transport's writer as a fault of the server).
/// </summary>
/// <param name="socket">The socket, owned from now on.</param>
/// <param name="received">What was read of it.</param>
internal sealed class HandedStream(Socket socket, byte[] received) : NetworkStream(socket, ownsSocket: true)
{
    private int _replayed;

    /// <summary>Called once, when a write finds the client gone.</summary>
    public Action? Lost { get; set; }

    /// <summary>A write found the client gone.</summary>
    public bool IsLost { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = Math.Min(buffer.Length, received.Length - _replayed);
        if (count == 0)
        {
            return base.ReadAsync(buffer, cancellationToken);
        }
        received.AsMemory(_replayed, count).CopyTo(buffer);
        _replayed += count;
        return ValueTask.FromResult(count);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (IsLost)
        {
            return;
        }
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            IsLost = true;
            Lost?.Invoke();
        }
    }
}
