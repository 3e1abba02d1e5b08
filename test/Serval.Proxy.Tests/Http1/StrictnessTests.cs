using System.Text;

namespace Serval.Proxy.Tests.Http1;

public class StrictnessTests : ProxyTest
{
    public static TheoryData<string, int> Bad => new()
    {
        { "GET / HTTP/1.1\nHost: h\n\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 400 },
        { "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "GET / \r\nHost: h\r\n\r\n", 400 },
        { "GET /\r\n\r\n", 400 },
        { "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "CONNECT /path HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "CONNECT http://h/path HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "GET /\u0001 HTTP/1.1\r\nHost: h\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nX: a\u0000b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nNoColon\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n folded\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\na", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999999999999999\r\n\r\na", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\na\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: h\r\nExpect: something\r\n\r\n", 417 },
        { $"GET /{new string('a', 70_000)} HTTP/1.1\r\nHost: h\r\n\r\n", 431 },
        { $"GET / HTTP/1.1\r\nHost: h\r\n{string.Concat(Enumerable.Repeat("X: y\r\n", 101))}\r\n", 431 },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task BadRequest_IsRefused_AndTheConnectionClosed(string request, int status)
    {
        Serve(_ => Upstream.Ok("reached"));
        var client = await ClientAsync();
        await client.SendAsync(request);
        var answer = await client.ReadAsync();
        Assert.Equal(status, answer.Status);
        Assert.NotNull(answer.Header("Serval-Error"));
        Assert.Equal("close", answer.Header("Connection"));
        await client.ShutdownSendAsync();
        await client.WaitClosedAsync();
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nX: y\n\n")]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\n\r\n")]
    public async Task BadAnswer_Is502(string raw)
    {
        Serve(_ => raw);
        var answer = await (await ClientAsync()).GetAsync("h");
        Assert.Equal(502, answer.Status);
        Assert.Equal("upstream-bad-response", answer.Header("Serval-Error"));
    }

    /// <summary>However bytes are mangled and cut, an instance never sees a request other than those the client sent in full, each in its own frame.</summary>
    [Fact]
    public async Task Fuzz_NothingIsSmuggled()
    {
        var reached = new List<string>();
        Serve(m =>
        {
            lock (reached)
            {
                reached.Add(m.StartLine);
            }
            return Upstream.Ok("ok");
        });
        const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
        string[] noise = ["\r", "\n", "\0", " ", "\t", ",", ";", ":", "0", "chunked", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "\x0b"];
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            // The body holds what must not become a request; framing fields are mutated.
            var chunked = random.Next(2) == 0;
            var head = new StringBuilder(chunked
                ? "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                : $"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {Smuggled.Length}\r\n");
            for (var i = random.Next(3); i >= 0; i--)
            {
                // never after the framing field's own line end, so that a longer number or a second field is what may be made
                head.Insert(random.Next("POST / HTTP/1.1\r\n".Length, head.Length - 2), noise[random.Next(noise.Length)]);
            }
            var body = chunked ? $"{Smuggled.Length:x}\r\n{Smuggled}\r\n0\r\n\r\n" : Smuggled;
            using var client = await Wire.ConnectAsync(Proxy.HttpPort);
            await client.SendAsync(head + "\r\n" + body);
            await client.ShutdownSendAsync();
            await client.WaitClosedAsync();
            var text = head.ToString();
            var framed = text.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal)
                || text.Contains($"\r\nContent-Length: {Smuggled.Length}\r\n", StringComparison.Ordinal);
            lock (reached)
            {
                Assert.False(framed && reached.Exists(l => l.Contains("smuggled", StringComparison.Ordinal)), $"seed {seed}: {text}");
                reached.Clear();
            }
        }
    }
}
