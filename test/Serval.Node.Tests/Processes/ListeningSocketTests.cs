using System.Net;
using System.Net.Sockets;
using Serval.Node.Sockets;

namespace Serval.Node.Tests;

public sealed class ListeningSocketTests
{
    /// <summary>What the kernel tells of a socket agrees with what a connection finds.</summary>
    [Theory]
    [InlineData("127.0.0.1", false, true)]
    [InlineData("0.0.0.0", false, true)]
    [InlineData("::", true, true)]
    [InlineData("::", false, false)]
    [InlineData("::1", false, false)]
    [InlineData("::ffff:127.0.0.1", true, true)]
    [InlineData("127.0.0.2", false, false)]
    public async Task TakesLoopback_AsAConnectionFinds(string address, bool dual, bool expected)
    {
        var end = new IPEndPoint(IPAddress.Parse(address), 0);
        using var listener = new Socket(end.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (end.AddressFamily == AddressFamily.InterNetworkV6)
        {
            listener.DualMode = dual;
        }
        listener.Bind(end);
        listener.Listen();
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;

        Assert.Equal(expected, InstanceSockets.Dump().Exists(s => s.Port == port && s.TakesLoopback));

        using var client = new TcpClient(AddressFamily.InterNetwork);
        var refused = await Record.ExceptionAsync(() => client.ConnectAsync(IPAddress.Loopback, port));
        Assert.Equal(expected, refused is null);
    }
}
