using Serval.Routing;

namespace Serval.Proxy.Tests.Http1;

/// <summary>Peers that vanish, fall silent or do not read: nobody holds anything for ever.</summary>
public class PatienceTests : ProxyTest
{
    private const string Upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: nobody\r\nK-Network-Probe: probe\r\n\r\n")]
    public async Task ClientThatDoesNotRead_OurAnswer_IsCutOff(string request)
    {
        var world = new ConnectionWorld();
        world.Client.Stalled = true;
        var running = world.Connection.RunAsync();
        world.Client.Deliver(request);
        await world.Client.Sending;
        await AssertCutOffAsync(world, running);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "")]
    public async Task ClientThatDoesNotRead_AnAnswerWithoutDeadlines_IsCutOff_AndTheSlotIsFree(string request, string answer)
    {
        var world = new ConnectionWorld(RevisionPolicy.PlainService);
        var instance = world.Connect();
        world.Client.Stalled = true;
        var running = world.Connection.RunAsync();
        world.Client.Deliver(request);
        if (answer.Length > 0)
        {
            await instance.Sending;
            instance.Deliver(answer);
        }
        await world.Client.Sending;
        Assert.Equal(1, world.InFlight);
        await AssertCutOffAsync(world, running);
        Assert.Equal(0, world.InFlight);
        await instance.Closed;
    }

    [Fact]
    public async Task HalfClosedUpgrade_WhoseOtherSideStaysSilent_Ends()
    {
        var ended = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Switching);
            await wire.ReadToEndAsync();
            ended.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None); // as if it had not noticed
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync(Upgrade)).Status);
        await client.ShutdownSendAsync();
        await ended.Task;
        var closed = client.WaitClosedAsync();
        Time.Advance(TimeSpan.FromSeconds(50));
        Assert.False(closed.IsCompleted);
        await PassUntilAsync(closed);
        await Proxy.WhenEmptyAsync(Revision, $"i0-{upstream.Port}");
    }

    [Fact]
    public async Task SilentUpgrade_EndsByTheIdleTimeoutOfThePolicy()
    {
        Route(new RevisionPolicy { IdleTimeout = TimeSpan.FromSeconds(10) });
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Switching);
            await wire.WaitClosedAsync();
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync(Upgrade)).Status);
        await PassUntilAsync(client.WaitClosedAsync());
        await Proxy.WhenEmptyAsync(Revision, $"i0-{upstream.Port}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BothSides_AreProbedByTheKernel(bool http2)
    {
        var upstream = Serve(_ => Upstream.Ok("x"));
        var client = await ClientAsync();
        Assert.Equal(200, (await client.GetAsync("h")).Status);
        Assert.Equal("02", await TimerAsync(c => c.Local == (Secure ? Proxy.HttpsPort : Proxy.HttpPort)));
        if (http2)
        {
            Proxy.Set(Revision, EndpointsSnapshot.Empty);
            using var handler = new HandlerUpstream(Options);
            var instance = new Instance(upstream.Endpoint("a"), new UpstreamPool(Time, TimeSpan.FromMinutes(1)));
            using var answer = await handler.SendAsync(HandlerUpstream.NewRequest("GET", instance, "/", http2: false), CancellationToken.None);
            Assert.Equal("02", await TimerAsync(c => c.Remote == upstream.Port));
            return;
        }
        Assert.Equal("02", await TimerAsync(c => c.Remote == upstream.Port));
    }

    [Fact]
    public async Task Burst_ItsConnectionsClose_ThoughThereIsTraffic()
    {
        var (both, open, closed) = (new TaskCompletionSource(), 0, new TaskCompletionSource());
        var upstream = ServeRaw(async wire =>
        {
            try
            {
                while (true)
                {
                    var request = await wire.ReadAsync();
                    if (request.StartLine.Contains("/burst", StringComparison.Ordinal))
                    {
                        if (Interlocked.Increment(ref open) == 2)
                        {
                            both.SetResult();
                        }
                        await both.Task;
                    }
                    await wire.SendAsync(Upstream.Ok("x"));
                }
            }
            finally
            {
                closed.TrySetResult();
            }
        });
        var (one, two) = (await ClientAsync(), await ClientAsync());
        await Task.WhenAll(one.GetAsync("h", "/burst"), two.GetAsync("h", "/burst"));
        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(200, (await one.GetAsync("h")).Status);
            Time.Advance(TimeSpan.FromSeconds(1));
        }
        await closed.Task;
        Assert.Equal(2, upstream.Connections);
    }

    /// <summary>Nothing happens for a while, then the connection is reset.</summary>
    private static async Task AssertCutOffAsync(ConnectionWorld world, Task running)
    {
        world.Pass(TimeSpan.FromSeconds(55));
        Assert.False(world.Client.Closed.IsCompleted);
        while (!running.IsCompleted)
        {
            world.Pass(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(world.Client.IsReset);
    }

    private async Task PassUntilAsync(Task end)
    {
        while (!end.IsCompleted)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    /// <summary>Which timer the kernel has on for the established connection: 00 none, 01 retransmission, 02 keep-alive (proc(5)).</summary>
    private static async Task<string> TimerAsync(Func<(int Local, int Remote), bool> isIt)
    {
        while (true)
        {
            var timer = new[] { "/proc/net/tcp", "/proc/net/tcp6" }.SelectMany(f => File.ReadLines(f).Skip(1))
                .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(f => f[3] == "01" && isIt((Port(f[1]), Port(f[2])))).Select(f => f[5][..2]).First();
            if (timer != "01")
            {
                return timer;
            }
            await Task.Yield();
        }

        static int Port(string address) => Convert.ToInt32(address.Split(':')[1], 16);
    }
}
