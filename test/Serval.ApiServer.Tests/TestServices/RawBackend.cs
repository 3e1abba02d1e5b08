using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Serval.ApiServer.Tests;

/// <summary>A program behind a port: answers each connection's request with bytes, and echoes what comes after a switch of protocols.</summary>
internal sealed class RawBackend : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string, string, string> _answer;

    private readonly Task _until;

    /// <param name="answer">The request's head and body → the whole answer.</param>
    /// <param name="until">Answers are sent when this has ended.</param>
    public RawBackend(Func<string, string, string> answer, Task until)
    {
        _until = until;
        _answer = answer;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>A new connection to it.</summary>
    public Stream Dial()
    {
        var client = new TcpClient();
        client.Connect((IPEndPoint)_listener.LocalEndpoint);
        return client.GetStream();
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the test is over
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        using var _ = client;
        var stream = client.GetStream();
        var head = "";
        var piece = new byte[1];
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(piece) > 0)
        {
            head += (char)piece[0];
        }
        var length = head.Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase)) is { } line ? int.Parse(line.Split(' ')[1]) : 0;
        var body = new byte[length];
        await stream.ReadExactlyAsync(body);
        var answer = Encoding.Latin1.GetBytes(_answer(head, Encoding.UTF8.GetString(body)));
        await _until;
        await stream.WriteAsync(answer);
        if (head.Contains("Upgrade: ", StringComparison.OrdinalIgnoreCase))
        {
            await stream.CopyToAsync(stream);
        }
    }
}
