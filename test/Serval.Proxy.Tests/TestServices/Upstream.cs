using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Serval.Routing;

namespace Serval.Proxy.Tests;

/// <summary>A tiny instance: every connection is served by a function.</summary>
public sealed class Upstream : IDisposable
{
    private readonly Socket _listening;
    private readonly Func<Wire, Task> _serve;
    private readonly ConcurrentBag<Socket> _accepted = [];
    private int _connections;

    private Upstream(Func<Wire, Task> serve, int port = 0)
    {
        _serve = serve;
        _listening = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listening.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listening.Listen(1024);
        Port = ((IPEndPoint)_listening.LocalEndPoint!).Port;
        _ = AcceptAsync();
    }

    public int Port { get; }

    public int Connections => _connections;

    /// <summary>Serves raw connections.</summary>
    public static Upstream Raw(Func<Wire, Task> serve, int port = 0) => new(serve, port);

    /// <summary>Answers each request with what the function returns, raw.</summary>
    public static Upstream Answering(Func<Message, Task<string>> answer, int port = 0) => new(
        async wire =>
        {
            while (true)
            {
                await wire.SendAsync(await answer(await wire.ReadAsync()));
            }
        },
        port);

    public static Upstream Answering(Func<Message, string> answer, int port = 0) => Answering(m => Task.FromResult(answer(m)), port);

    public static string Ok(string body) => $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    public BackendEndpoint Endpoint(string id, EndpointState state = EndpointState.Ready) => new("127.0.0.1", Port, id, state);

    /// <summary>A port nobody listens on.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Dies: the port is closed, connections are reset.</summary>
    public void Dispose()
    {
        _listening.Dispose();
        foreach (var socket in _accepted)
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Dispose();
            }
            catch (ObjectDisposedException)
            {
                // its connection has ended
            }
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listening.AcceptAsync();
                socket.NoDelay = true;
                _accepted.Add(socket);
                Interlocked.Increment(ref _connections);
                _ = ServeAsync(new Wire(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // disposed
        }
    }

    private async Task ServeAsync(Wire wire)
    {
        try
        {
            using (wire)
            {
                await _serve(wire);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or EndOfStreamException)
        {
            // the proxy closed
        }
    }
}
