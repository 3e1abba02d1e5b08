using System.Net;

namespace Serval.Proxy;

/// <summary>Told, on an I/O thread, that the peer closed or reset the connection. It must not block.</summary>
internal interface ITransportWatcher
{
    void OnPeerGone();
}

/// <summary>
/// The small connection the HTTP/1.1 handler is written over. At most one receive and one send are under way at a time. Receives are begun
/// and awaited apart, so that one may be waiting while nobody awaits it: that is how a peer that goes away is noticed without a system call.
/// Errors are results, not exceptions.
/// </summary>
internal abstract class Transport
{
    /// <summary>Result of a receive that failed.</summary>
    public const int Failed = -1;

    public ITransportWatcher? Watcher { get; set; }

    public abstract IPAddress RemoteAddress { get; }

    public abstract int RemotePort { get; }

    /// <summary>The address the client connected to. Asks the kernel.</summary>
    public abstract IPAddress LocalAddress { get; }

    /// <summary>Whether it is TLS.</summary>
    public virtual bool IsSecure => false;

    /// <summary>A receive was begun and its result not yet taken.</summary>
    public abstract bool ReceiveBegun { get; }

    /// <summary>A receive was begun and has its result.</summary>
    public abstract bool ReceiveDone { get; }

    public abstract void BeginReceive(byte[] buffer, int offset, int count);

    /// <summary>The result of the receive begun: bytes, 0 at the end, <see cref="Failed"/>.</summary>
    public abstract ValueTask<int> EndReceiveAsync();

    /// <summary>Sends everything; false when the connection is gone.</summary>
    public abstract ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes);

    public abstract void ShutdownSend();

    /// <summary>Closes; operations under way fail. May be called from any thread, more than once.</summary>
    /// <param name="reset">Make sure that the peer cannot take this for a proper end.</param>
    public abstract void Close(bool reset = false);

    /// <summary>Whether the peer has closed and nothing is left to read; costs a system call.</summary>
    public abstract bool PollPeerGone();
}
