using Serval.Routing;

namespace Serval.Proxy.Tests.Http1;

/// <summary>Upgraded connections: what ends them, and what their two ends are told.</summary>
public class UpgradeTests : ProxyTest
{
    private const string Upgrade = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    private const string Hi = "\u0081\u0002hi";
    private const string Pong = "\u008a\u0080\u0000\u0000\u0000\u0000";
    private const string NormalClose = "\u0088\u0002\u0003\u00e8";
    private const string GoingAway = "\u0088\u0002\u0003\u00e9";

    [Fact]
    public async Task Instance_WithAnUpgradeAndARequest_IsIdleWhenTheRequestIsAnswered()
    {
        var (arrived, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var upstream = ServeRaw(async wire =>
        {
            if ((await wire.ReadAsync()).Header("Upgrade") is null)
            {
                arrived.SetResult();
                await go.Task;
                await wire.SendAsync(Upstream.Ok("x"));
                return;
            }
            await wire.SendAsync(Switching);
            await wire.WaitClosedAsync();
        });
        var socket = await ClientAsync();
        Assert.Equal(101, (await socket.SendReadAsync(Upgrade)).Status);
        var request = (await ClientAsync()).GetAsync("h");
        await arrived.Task;
        var id = $"i0-{upstream.Port}";
        Proxy.SetInstance(Revision, upstream.Endpoint(id, EndpointState.Draining));
        var (idle, empty) = (Proxy.WhenIdleAsync(Revision, id), Proxy.WhenEmptyAsync(Revision, id));
        Assert.False(idle.IsCompleted);

        go.SetResult();
        await request;
        await idle;

        await Proxy.WhenIdleAsync(Revision, id);
        Assert.Equal(1, Proxy.InFlight(Revision, id)); // it keeps its slot
        Assert.False(empty.IsCompleted);
        socket.Dispose();
        await empty;
    }

    [Fact]
    public async Task Request_ThatBecomesAnUpgrade_MakesTheInstanceIdle()
    {
        var (arrived, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.SetResult();
            await go.Task;
            await wire.SendAsync(Switching);
            await wire.WaitClosedAsync();
        });
        var client = await ClientAsync();
        var answer = client.SendReadAsync(Upgrade);
        await arrived.Task;
        var idle = Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}");
        Assert.False(idle.IsCompleted);

        go.SetResult();
        Assert.Equal(101, (await answer).Status);

        await idle;
    }

    [Fact]
    public async Task Upgrade_OutlivesWhatTheControlPlaneDoes()
    {
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Switching);
            while (true)
            {
                await wire.SendAsync(await wire.ReadExactAsync(Hi.Length));
            }
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync(Upgrade)).Status);
        var id = $"i0-{upstream.Port}";
        var other = BackendKey.Revision("default", "hello-00002");
        foreach (var change in new Action[]
        {
            () => Proxy.SetInstance(Revision, upstream.Endpoint(id, EndpointState.Draining)),
            () => Publish(new RouteTableBuilder().Add("h", new RouteRule { Backends = [new WeightedBackend { Backend = other }] }).Build(2)),
            () => Proxy.SetInstance(Revision, upstream.Endpoint(id, EndpointState.Gone)),
            () => Proxy.Set(Revision, EndpointsSnapshot.Empty),
            () => Proxy.Remove(Revision),
            () => Publish(new RouteTableBuilder().Build(3)),
        })
        {
            change();
            await client.SendAsync(Hi);
            Assert.Equal(Hi, await client.ReadExactAsync(Hi.Length));
            Assert.False(Proxy.WhenEmptyAsync(Revision, id).IsCompleted);
            await Proxy.WhenIdleAsync(Revision, id);
        }
    }

    [Theory]
    [InlineData(Hi, Hi + GoingAway)]
    [InlineData("", GoingAway)]
    [InlineData(Hi + NormalClose, Hi + NormalClose)]
    [InlineData(Hi + "\u0081\u0005hal", Hi + "\u0081\u0005hal")] // the middle of a frame is no place to speak
    [InlineData(Hi + "\u0081", Hi + "\u0081")]
    public async Task InstanceThatEnds_WithoutAClose_IsExcused(string last, string heard)
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Switching + last);
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync(Upgrade)).Status);
        Assert.Equal(heard, await client.ReadToEndAsync());
    }

    [Fact]
    public async Task InstanceThatIsKilled_IsExcused()
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Switching + Hi);
            await wire.ReadExactAsync(1);
            wire.Reset();
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync(Upgrade)).Status);
        Assert.Equal(Hi, await client.ReadExactAsync(Hi.Length));
        await client.SendAsync("x");
        Assert.Equal(GoingAway, await client.ReadToEndAsync());
    }

    [Fact]
    public async Task OtherProtocol_GetsNoWordOfOurs()
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nbye");
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")).Status);
        Assert.Equal("bye", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task InstanceThatHasGone_ItsLastWordsReachAClientThatStillSpeaks()
    {
        var world = new ConnectionWorld();
        var (instance, running) = await UpgradeAsync(world);
        instance.Broken = true;
        world.Client.Deliver(Hi);
        await Poll.UntilAsync(() => instance.Sent.EndsWith(Hi, StringComparison.Ordinal));
        instance.Deliver(NormalClose);
        await Poll.UntilAsync(() => world.Client.Sent.EndsWith(NormalClose, StringComparison.Ordinal));
        instance.Close();
        await running;
        Assert.EndsWith(NormalClose, world.Client.Sent, StringComparison.Ordinal);
        Assert.Equal(0, world.InFlight);
    }

    [Fact]
    public async Task Gateway_ThatStops_SaysSo_AndDoesNotWait()
    {
        var gone = new TaskCompletionSource();
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Switching + Hi);
            await wire.WaitClosedAsync();
            gone.SetResult();
        });
        var client = await ClientAsync();
        Assert.Equal(101, (await client.SendReadAsync(Upgrade)).Status);
        Assert.Equal(Hi, await client.ReadExactAsync(Hi.Length));

        var stopping = Proxy.DisposeAsync();

        Assert.Equal(GoingAway, await client.ReadToEndAsync());
        await gone.Task;
        await client.ShutdownSendAsync();
        await stopping;
        Assert.Empty(Log.Errors);
    }

    [Theory]
    [InlineData(10, 0)]
    [InlineData(300, 10)]
    public async Task Message_WithoutAnAnswer_IsCutOff_AfterTheTimeForOne(int whole, int start)
    {
        var world = new ConnectionWorld(Policy(whole, start));
        var (instance, running) = await UpgradeAsync(world);
        world.Pass(TimeSpan.FromMinutes(10)); // nothing was asked
        await SayAsync(world, instance, Hi);
        world.Pass(TimeSpan.FromSeconds(9));
        await SayAsync(world, instance, Hi); // the first one's time runs
        Assert.False(running.IsCompleted);

        world.Pass(TimeSpan.FromSeconds(1));

        await running;
        Assert.True(world.Client.IsReset);
        Assert.DoesNotContain(GoingAway, world.Client.Sent, StringComparison.Ordinal);
        Assert.Equal(0, world.InFlight);
    }

    [Fact]
    public async Task Messages_ThatAreAnswered_PongsAndPushes_AreNeverCutOff()
    {
        var world = new ConnectionWorld(Policy(10, 10));
        var (instance, running) = await UpgradeAsync(world);
        for (var i = 0; i < 5; i++)
        {
            await SayAsync(world, instance, Hi);
            world.Pass(TimeSpan.FromSeconds(9));
            instance.Deliver(Hi);
            await Poll.UntilAsync(() => world.Client.Sent.EndsWith(Hi, StringComparison.Ordinal));
            world.Pass(TimeSpan.FromSeconds(60));
            instance.Deliver($"\u0082\u0001{i}");
            await Poll.UntilAsync(() => world.Client.Sent.EndsWith($"\u0082\u0001{i}", StringComparison.Ordinal));
            await SayAsync(world, instance, Pong);
            world.Pass(TimeSpan.FromSeconds(60));
        }
        Assert.False(running.IsCompleted);
        world.Client.Close();
        await running;
    }

    private static RevisionPolicy Policy(int whole, int start) =>
        new() { Timeout = TimeSpan.FromSeconds(whole), ResponseStartTimeout = TimeSpan.FromSeconds(start) };

    private static async Task<(FakeTransport Instance, Task Running)> UpgradeAsync(ConnectionWorld world)
    {
        var instance = world.Connect();
        var running = world.Connection.RunAsync();
        world.Client.Deliver(Upgrade);
        await instance.Sending;
        instance.Deliver(Switching);
        await Poll.UntilAsync(() => world.Client.Sent.EndsWith("\r\n\r\n", StringComparison.Ordinal));
        return (instance, running);
    }

    /// <summary>The client's bytes, as far as the instance.</summary>
    private static async Task SayAsync(ConnectionWorld world, FakeTransport instance, string text)
    {
        var before = instance.Sent.Length;
        world.Client.Deliver(text);
        await Poll.UntilAsync(() => instance.Sent.Length == before + text.Length);
    }
}
