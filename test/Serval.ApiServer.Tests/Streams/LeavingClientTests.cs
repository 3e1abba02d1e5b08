using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Serval.Kube;
using Serval.Kube.Streams;
using Serval.Kube.Tests.Spdy;

namespace Serval.ApiServer.Tests.Streams;

/// <summary>Clients that leave in the middle, at any byte and in any way: nothing of that is a failure of the server, and what they had begun ends.</summary>
public sealed class LeavingClientTests : IAsyncLifetime
{
    private const int Clients = 400;
    private const int AtOnce = 12;
    private const int Typed = 40; // bytes of input with which the program is content: fewer than each door types
    private const int SwitchedHead = 60; // bytes, of an answer that switches protocols
    private const string Pod = "/api/v1/namespaces/default/pods/web";
    private const string Exec = Pod + "/exec?command=a&stdin=true&stdout=true&stderr=true";

    private readonly RawBackend _backend = new((head, _) => head.Contains("Upgrade: ", StringComparison.Ordinal)
        ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
        : $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 300000\r\n\r\n{new string('x', 300_000)}", Task.CompletedTask);

    private ApiServerFixture _server = null!;
    private int _running;
    private int _begun;

    public async Task InitializeAsync()
    {
        _server = await ApiServerFixture.StartAsync();
        await _server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"web"},"spec":{"containers":[{"name":"a","image":"a"}]},"status":{"podIPs":[{"ip":"10.0.0.9"}],"phase":"Running"}}""");
        _server.Streams.Listener = _ => _backend.Dial();
        _server.Streams.Program = async (streams, ct) =>
        {
            await CountedAsync(async () =>
            {
                var piece = new byte[512];
                for (var got = 0; got < Typed && await streams.Input!.ReadAsync(piece, ct) is > 0 and var read; got += read)
                {
                    await streams.Output!.WriteAsync(piece.AsMemory(0, read), ct);
                    await streams.Error!.WriteAsync(piece.AsMemory(0, read), ct);
                }
            });
            return 3;
        };
        _server.Streams.Log = (output, ct) => CountedAsync(async () =>
        {
            for (var line = 0; line < 200; line++)
            {
                await output.WriteAsync(new byte[4096], ct);
                await Task.Yield();
            }
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
        });
    }

    public async Task DisposeAsync()
    {
        _backend.Dispose();
        await _server.DisposeAsync(); // fails when an error was logged
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Clients_ThatLeave_AreNoFailureOfTheServer(int seed)
    {
        var random = new Random(seed);
        var doors = await DoorsAsync();
        var plans = Enumerable.Range(0, Clients).Select(i => (Door: doors[i % doors.Count], Random: new Random(random.Next()))).ToList();

        await Parallel.ForEachAsync(plans, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (plan, _) => await VisitAsync(plan.Door, plan.Random));

        await Poll.UntilAsync(() => Volatile.Read(ref _running) == 0, $"what clients had begun has ended (seed {seed})");
        Assert.True(_server.Log.Errors.IsEmpty, $"seed {seed}: {string.Join('\n', _server.Log.Errors)}");
        Assert.True(_begun > 0, $"seed {seed}: no client came as far as a program");
    }

    /// <summary>A client closes when it hears how its command ended: its goodbye may come, and be answered, before the server has said its own.</summary>
    [Fact]
    public async Task Goodbye_ThatComesBetweenTheStatusAndTheServers_IsNoFailure()
    {
        using var socket = new HastySocket();
        await using var client = new ChannelSocket(
            socket, ChannelProtocol.Choose(["v5.channel.k8s.io"])!, new ExecOptions { Container = "", Command = [], Stdout = true }, new ManualTime(), CancellationToken.None);

        await client.EndAsync(new RemoteStatus(0));

        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tunnel_ThatHasBeenCut_IsAnIOException(bool reads)
    {
        using var socket = WebSocket.CreateFromStream(new MemoryStream(), new WebSocketCreationOptions { IsServer = true });
        var tunnel = new TunnelStream(socket);
        socket.Abort();

        await Assert.ThrowsAsync<IOException>(() => reads ? tunnel.ReadAsync(new byte[1]).AsTask() : tunnel.WriteAsync(new byte[1]).AsTask());
    }

    private async Task CountedAsync(Func<Task> work)
    {
        Interlocked.Increment(ref _running);
        Interlocked.Increment(ref _begun);
        try
        {
            await work();
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task VisitAsync(Door door, Random random)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_server.Host.Address.Host, _server.Host.Address.Port);
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, _, _) => _server.Trusts(certificate));
        try
        {
            await tls.AuthenticateAsClientAsync(_server.Host.Address.Host);
            var head = Encoding.ASCII.GetBytes($"{door.Request}\r\nHost: x\r\nAuthorization: Bearer {_server.AdminToken}\r\n{door.Headers}\r\n");
            if (random.Next(10) == 0)
            {
                await tls.WriteAsync(head.AsMemory(0, random.Next(head.Length)));
                return;
            }
            await tls.WriteAsync(head);
            if (random.Next(10) == 0)
            {
                return;
            }
            var whole = random.Next(3) > 0;
            await tls.WriteAsync(door.Body.AsMemory(0, whole ? door.Body.Length : random.Next(door.Body.Length)));
            await ReadAsync(tls, whole && random.Next(2) == 0 ? door.Last : "", random.Next(whole ? door.Answer : door.IsSwitch ? SwitchedHead : 1));
            if (random.Next(2) == 0)
            {
                await tls.WriteAsync(door.Farewell.AsMemory(0, random.Next(4) == 0 ? random.Next(door.Farewell.Length + 1) : door.Farewell.Length));
            }
        }
        catch (IOException)
        {
            // The server left first.
        }
        finally
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    socket.LingerState = new LingerOption(true, 0); // a reset
                    break;
                case 2:
                    await ShutdownAsync(tls);
                    break;
            }
            socket.Close();
        }
    }

    // No more than is sure to come.
    private static async Task ReadAsync(SslStream tls, string last, int wanted)
    {
        var piece = new byte[4096];
        var text = "";
        for (int got = 0, read; (last.Length == 0 ? got < wanted : !text.Contains(last, StringComparison.Ordinal)) && (read = await tls.ReadAsync(piece)) > 0; got += read)
        {
            text = last.Length == 0 ? "" : text + Encoding.Latin1.GetString(piece, 0, read);
        }
    }

    private static async Task ShutdownAsync(SslStream tls)
    {
        try
        {
            await tls.ShutdownAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // The server left first.
        }
    }

    /// <summary>The server's end of a connection whose client closes while the second message, the status, is on its way to it.</summary>
    private sealed class HastySocket : WebSocket
    {
        private readonly TaskCompletionSource<WebSocketReceiveResult> _goodbye = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private WebSocketState _state = WebSocketState.Open;
        private int _sent;

        public override WebSocketCloseStatus? CloseStatus => null;

        public override string? CloseStatusDescription => null;

        public override WebSocketState State => _state;

        public override string? SubProtocol => null;

        public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) => _goodbye.Task;

        public override async Task SendAsync(ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
        {
            if (++_sent == 2)
            {
                _goodbye.SetResult(new WebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true));
                await _answered.Task;
            }
        }

        public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
        {
            if (_state == WebSocketState.Closed)
            {
                throw new WebSocketException(WebSocketError.InvalidState);
            }
            _state = WebSocketState.Closed;
            _answered.SetResult();
            return Task.CompletedTask;
        }

        public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
            CloseOutputAsync(closeStatus, statusDescription, cancellationToken);

        public override void Abort()
        {
        }

        public override void Dispose()
        {
        }
    }

    /// <summary>What a client sends, and what comes.</summary>
    /// <param name="Request">Its first line.</param>
    /// <param name="Headers">More of its head.</param>
    /// <param name="Body">What follows.</param>
    /// <param name="Farewell">How it says goodbye.</param>
    /// <param name="Answer">How many bytes are sure to come for all that.</param>
    /// <param name="Last">What is sure to come near the end; empty where nothing is.</param>
    private sealed record Door(string Request, string Headers, byte[] Body, byte[] Farewell, int Answer, string Last = "")
    {
        public bool IsSwitch => Headers.Contains("Upgrade", StringComparison.Ordinal);
    }

    private static async Task<List<Door>> DoorsAsync()
    {
        var close = Frame(0x88, [0x03, 0xE8]);
        byte[] typed = [.. Enumerable.Range(0, 8).SelectMany(i => Frame(0x82, [0, .. Encoding.ASCII.GetBytes($"line {i}\n")]))];
        byte[] typed64 = [.. Enumerable.Range(0, 8).SelectMany(_ => Frame(0x81, "0aGVsbG8="u8.ToArray()))];
        var talk = await SpdyAsync(["error", "stdin", "stdout", "stderr"], "");
        var forward = await SpdyAsync(["error", "data"], "80");
        var spdy = "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ";
        var asked = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n" + new string('y', 3000));
        return
        [
            new($"GET {Exec} HTTP/1.1", Socket("v5.channel.k8s.io"), [.. typed, .. Frame(0x82, [255, 0])], close, 350, "ExitCode"),
            new($"GET {Exec} HTTP/1.1", Socket("v4.channel.k8s.io"), typed, close, 350, "ExitCode"),
            new($"GET {Exec} HTTP/1.1", Socket("v4.base64.channel.k8s.io"), typed64, close, 350),
            new($"GET {Pod}/attach?stdin=true&stdout=true&stderr=true HTTP/1.1", Socket("v4.channel.k8s.io"), typed, close, 350, "ExitCode"),
            new($"POST {Exec} HTTP/1.1", spdy + "v4.channel.k8s.io\r\n", talk, [.. talk.TakeLast(9)], 350, "ExitCode"),
            new($"POST {Pod}/portforward HTTP/1.1", spdy + "portforward.k8s.io\r\n", forward, [.. forward.TakeLast(9)], 1000, "101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x"),
            new($"GET {Pod}/portforward HTTP/1.1", Socket("SPDY/3.1+portforward.k8s.io"), Frame(0x82, forward), close, 1000, "Upgrade: x"),
            new($"GET {Pod}/portforward?ports=80,81 HTTP/1.1", Socket("v4.channel.k8s.io"), Frame(0x82, [0, .. asked]), close, 1000, "Upgrade: x"),
            new($"GET {Pod}/log?follow=true HTTP/1.1", "", [], [], 700_000),
            new($"GET {Pod}/log?follow=true HTTP/1.1", Socket("binary.k8s.io"), [], close, 700_000),
            new($"GET {Pod}/proxy/a HTTP/1.1", "", [], [], 300_000),
            new($"POST {Pod}/proxy/a HTTP/1.1", "Content-Length: 200000\r\n", new byte[200_000], [], 300_000),
            new($"POST {Pod}/proxy/a HTTP/1.1", "Transfer-Encoding: chunked\r\n", [.. "4000\r\n"u8, .. new byte[0x4000], .. "\r\n4000\r\n"u8, .. new byte[0x4000]], [], 1),
            new($"GET {Pod}/proxy/a HTTP/1.1", "Connection: Upgrade\r\nUpgrade: x\r\n", asked, [], 1000, "Upgrade: x"),
        ];

        static string Socket(string protocol) =>
            $"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n";
    }

    /// <summary>A whole WebSocket frame, masked with zeros.</summary>
    private static byte[] Frame(byte head, byte[] payload)
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)payload.Length);
        return payload.Length < 126 ? [head, (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. payload] : [head, 0x80 | 126, .. length, 0, 0, 0, 0, .. payload];
    }

    /// <summary>Opens streams, and writes to the second one.</summary>
    private static async Task<byte[]> SpdyAsync(string[] types, string port)
    {
        var bytes = new MemoryStream();
        await using var client = new SpdyClient(bytes);
        var streams = new List<uint>();
        foreach (var type in types)
        {
            streams.Add(await client.OpenAsync([("streamtype", type), .. port.Length > 0 ? [("port", port), ("requestid", "1")] : Array.Empty<(string, string)>()]));
        }
        for (var i = 0; i < 8; i++)
        {
            await client.WriteAsync(streams[1], i == 0 ? "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n" : new string('z', 400), last: i == 7);
        }
        return bytes.ToArray();
    }
}
