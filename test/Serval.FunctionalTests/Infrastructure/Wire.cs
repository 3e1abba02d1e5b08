using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Testing;

/// <summary>One connection, byte for byte; a byte is a character of Latin-1. Patience is a hundred seconds from its start.</summary>
internal sealed class Wire : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(100));
    private readonly StringBuilder _unread = new();

    /// <summary>A connection to a port of this machine that has sent this.</summary>
    internal static async Task<Wire> SendingAsync(int port, string text)
    {
        var wire = new Wire();
        await wire._socket.ConnectAsync(IPAddress.Loopback, port, wire._patience.Token);
        await wire.SendAsync(text);
        return wire;
    }

    internal async Task SendAsync(string text) => await _socket.SendAsync(Encoding.Latin1.GetBytes(text), _patience.Token);

    /// <summary>What comes up to a text and with it; it fails when the connection ends first.</summary>
    internal async Task<string> UntilAsync(string text)
    {
        int at;
        while ((at = _unread.ToString().IndexOf(text, StringComparison.Ordinal)) < 0)
        {
            Assert.True(await MoreAsync(), $"the connection ended after '{_unread}'");
        }
        var read = _unread.ToString(0, at + text.Length);
        _unread.Remove(0, read.Length);
        return read;
    }

    /// <summary>All that comes until the other side ends.</summary>
    internal async Task<string> RestAsync()
    {
        while (await MoreAsync())
        {
        }
        return _unread.ToString();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _patience.Dispose();
    }

    private async Task<bool> MoreAsync()
    {
        var buffer = new byte[4096];
        int read;
        try
        {
            read = await _socket.ReceiveAsync(buffer, _patience.Token);
        }
        catch (SocketException e)
        {
            throw new IOException($"{e.SocketErrorCode} after '{_unread}'", e);
        }
        _unread.Append(Encoding.Latin1.GetString(buffer, 0, read));
        return read > 0;
    }
}
