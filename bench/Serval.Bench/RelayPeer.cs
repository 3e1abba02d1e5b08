using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.Bench;

/// <summary>
/// What a watch costs the machine alone: each line that is written to one connection is copied to every reader's, over bare TCP on loopback, within
/// this process. No HTTP, no TLS, no store. Its tail is the machine's and the framework's.
/// </summary>
internal sealed class RelayPeer : IAsyncDisposable
{
    private readonly Socket _listening = Listen();
    private readonly List<Socket> _ends = [];
    private readonly List<Task> _reading = [];
    private Socket _writer = null!;

    internal static async Task<RelayPeer> OpenAsync(IReadOnlyList<Action<string>> readers)
    {
        var peer = new RelayPeer();
        var copies = new List<Socket>();
        foreach (var reader in readers)
        {
            var (near, far) = await peer.ConnectAsync();
            copies.Add(far);
            peer._reading.Add(ReadAsync(near, reader));
        }
        var (writer, source) = await peer.ConnectAsync();
        peer._writer = writer;
        peer._reading.Add(RelayAsync(source, copies));
        return peer;
    }

    internal async Task WriteAsync(string line) => await _writer.SendAsync(Encoding.UTF8.GetBytes(line + '\n'));

    public async ValueTask DisposeAsync()
    {
        _ends.ForEach(s => s.Dispose());
        _listening.Dispose();
        await Task.WhenAll(_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // cut while they read
    }

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    private async Task<(Socket Near, Socket Far)> ConnectAsync()
    {
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _ends.Add(near);
        await near.ConnectAsync(_listening.LocalEndPoint!);
        var far = await _listening.AcceptAsync();
        far.NoDelay = true;
        _ends.Add(far);
        return (near, far);
    }

    private static async Task ReadAsync(Socket socket, Action<string> read)
    {
        using var reader = new StreamReader(new NetworkStream(socket));
        while (await reader.ReadLineAsync() is { } line)
        {
            read(line);
        }
    }

    private static async Task RelayAsync(Socket source, List<Socket> copies)
    {
        var buffer = new byte[64 << 10];
        while (await source.ReceiveAsync(buffer) is > 0 and var count)
        {
            foreach (var copy in copies)
            {
                await copy.SendAsync(buffer.AsMemory(0, count));
            }
        }
    }
}
