using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Serval.Proxy.Tests;

/// <summary>A message read off a wire.</summary>
public sealed record Message(string StartLine, IReadOnlyList<KeyValuePair<string, string>> Headers, string Body)
{
    public int Status => int.Parse(StartLine.AsSpan(9, 3), CultureInfo.InvariantCulture);

    public string? Header(string name) => Headers.LastOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public int Count(string name) => Headers.Count(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>One end of a TCP connection, with or without TLS, spoken to in plain text; naive on purpose, so that it does not share the proxy's mistakes.</summary>
public sealed class Wire(Socket socket, SslStream? tls = null) : IDisposable
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    public Socket Socket => socket;

    public static async Task<Wire> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        return new Wire(socket);
    }

    /// <summary>Connects with TLS, as a client that trusts everybody.</summary>
    /// <param name="port">Where to.</param>
    /// <param name="host">The server name asked for.</param>
    public static async Task<Wire> ConnectTlsAsync(int port, string host)
    {
        var plain = await ConnectAsync(port);
        var tls = new SslStream(new NetworkStream(plain.Socket, ownsSocket: true));
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host, RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null, AllowTlsResume = false,
            });
            return new Wire(plain.Socket, tls);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    public X509Certificate? ServerCertificate => tls?.RemoteCertificate;

    /// <summary>Says that nothing more is sent.</summary>
    public async Task ShutdownSendAsync()
    {
        if (tls is not null)
        {
            await tls.ShutdownAsync();
        }
        socket.Shutdown(SocketShutdown.Send);
    }

    public async Task SendAsync(string text) => await SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (tls is not null)
        {
            await tls.WriteAsync(bytes);
            return;
        }
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    public async Task<Message> SendReadAsync(string text, bool head = false)
    {
        await SendAsync(text);
        return await ReadAsync(head);
    }

    public async Task<Message> GetAsync(string host, string path = "/") => await SendReadAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");

    /// <summary>A message with its body; throws <see cref="EndOfStreamException"/> when it is cut short.</summary>
    public async Task<Message> ReadAsync(bool head = false)
    {
        var message = await ReadHeadAsync();
        if (head || (message.StartLine.StartsWith("HTTP/", StringComparison.Ordinal) && message.Status is < 200 or 204 or 304))
        {
            return message;
        }
        var body = message.Header("Transfer-Encoding") == "chunked" ? await ReadChunkedAsync()
            : message.Header("Content-Length") is { } length ? await ReadExactAsync(int.Parse(length, CultureInfo.InvariantCulture))
            : message.StartLine.StartsWith("HTTP/", StringComparison.Ordinal) ? await ReadToEndAsync() : "";
        return message with { Body = body };
    }

    public async Task<Message> ReadHeadAsync()
    {
        var start = await ReadLineAsync();
        var headers = new List<KeyValuePair<string, string>>();
        for (var line = await ReadLineAsync(); line.Length > 0; line = await ReadLineAsync())
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add(new(line[..colon], line[(colon + 1)..].Trim()));
        }
        return new Message(start, headers, "");
    }

    public async Task<string> ReadLineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            var c = await ReadByteAsync();
            if (c < 0)
            {
                throw new EndOfStreamException($"Ended in line \"{line}\"");
            }
            if (c == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }
            line.Append((char)c);
        }
    }

    public async Task<string> ReadExactAsync(int count)
    {
        var text = new StringBuilder(count);
        while (text.Length < count)
        {
            var c = await ReadByteAsync();
            if (c < 0)
            {
                throw new EndOfStreamException($"Ended after {text.Length} of {count} bytes");
            }
            text.Append((char)c);
        }
        return text.ToString();
    }

    public async Task SkipAsync(int count)
    {
        while (count > 0)
        {
            if (_start == _end)
            {
                _start = 0;
                _end = await ReceiveAsync();
                if (_end == 0)
                {
                    throw new EndOfStreamException($"Ended {count} bytes early");
                }
            }
            var skipped = Math.Min(count, _end - _start);
            _start += skipped;
            count -= skipped;
        }
    }

    public async Task<string> ReadToEndAsync()
    {
        var text = new StringBuilder();
        for (var c = await ReadByteAsync(); c >= 0; c = await ReadByteAsync())
        {
            text.Append((char)c);
        }
        return text.ToString();
    }

    /// <summary>Waits until the peer has closed or reset.</summary>
    public async Task WaitClosedAsync()
    {
        try
        {
            while (await ReadByteAsync() >= 0)
            {
                _start = _end;
            }
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            // reset is closed, too
        }
    }

    public void Dispose()
    {
        tls?.Dispose();
        socket.Dispose();
    }

    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    private async Task<string> ReadChunkedAsync()
    {
        var body = new StringBuilder();
        while (true)
        {
            var size = int.Parse(await ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
            {
                for (var line = await ReadLineAsync(); line.Length > 0; line = await ReadLineAsync())
                {
                    body.Append($"<{line}>");
                }
                return body.ToString();
            }
            body.Append(await ReadExactAsync(size));
            Assert.Equal("", await ReadLineAsync());
        }
    }

    private ValueTask<int> ReceiveAsync() => tls is null ? socket.ReceiveAsync(_buffer.AsMemory()) : tls.ReadAsync(_buffer);

    private async ValueTask<int> ReadByteAsync()
    {
        if (_start == _end)
        {
            _start = 0;
            _end = await ReceiveAsync();
        }
        return _end == 0 ? -1 : _buffer[_start++];
    }
}
