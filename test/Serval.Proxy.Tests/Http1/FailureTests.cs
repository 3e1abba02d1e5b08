using System.Net;
using System.Net.Sockets;
using Serval.Routing;

namespace Serval.Proxy.Tests.Http1;

public class FailureTests : ProxyTest
{
    [Fact]
    public async Task StalePooledConnection_GetIsRepeated()
    {
        var connections = 0;
        ServeRaw(async wire =>
        {
            var first = Interlocked.Increment(ref connections) == 1;
            await wire.ReadAsync();
            await wire.SendAsync(Upstream.Ok("a"));
            await wire.ReadAsync();
            if (!first)
            {
                await wire.SendAsync(Upstream.Ok("b"));
            }
            // the first connection closes without an answer
        });
        var client = await ClientAsync();
        Assert.Equal("a", (await client.GetAsync("h")).Body);
        Assert.Equal("a", (await client.GetAsync("h")).Body);
        Assert.Equal("b", (await client.GetAsync("h")).Body);
    }

    [Fact]
    public async Task InstanceClosesUnusedConnection_PostGoesToANewOne()
    {
        var closed = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(Upstream.Ok("a"));
            await closed.Task;
        });
        var client = await ClientAsync();
        Assert.Equal("a", (await client.GetAsync("h")).Body);
        closed.SetResult();
        while (upstream.Connections < 3)
        {
            Assert.Equal(200, (await client.GetAsync("h")).Status);
        }
        Time.Advance(TimeSpan.FromSeconds(3)); // too long unused for what cannot be repeated
        var before = upstream.Connections;
        Assert.Equal(200, (await client.SendReadAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na")).Status);
        Assert.Equal(before + 1, upstream.Connections);
    }

    [Fact]
    public async Task InstanceClosesBeforeItsAnswer_PostIs502_GetToo()
    {
        var upstream = ServeRaw(wire => wire.ReadAsync());
        var client = await ClientAsync();
        var answer = await client.SendReadAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na");
        Assert.Equal(502, answer.Status);
        Assert.Equal("upstream-reset", answer.Header("Serval-Error"));
        Assert.Equal(1, upstream.Connections);
        Assert.Equal("upstream-reset", (await client.GetAsync("h")).Header("Serval-Error"));
        Assert.Equal(4, upstream.Connections);
    }

    [Fact]
    public async Task InstanceDiesBeforeItsAnswer_GetIsServedByTheNext()
    {
        var arrived = new TaskCompletionSource();
        var dying = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
        });
        var answer = (await ClientAsync()).GetAsync("h");
        await arrived.Task;
        dying.Dispose();
        await WaitHeldAsync(1);
        var next = Own(Upstream.Answering(_ => Upstream.Ok("next")));
        Proxy.SetInstance(Revision, next.Endpoint("next"));
        Assert.Equal("next", (await answer).Body);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nbad\r\n")]
    public async Task AnswerBrokenOff_IsNotACleanEnd(string raw)
    {
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(raw);
        });
        var client = await ClientAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        var e = await Assert.ThrowsAnyAsync<Exception>(() => client.ReadAsync());
        Assert.True(e is IOException or SocketException, e.ToString());
    }

    [Fact]
    public async Task ClientThatGoesAway_FreesTheSlot_AndClosesTheInstancesConnection()
    {
        var gone = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.SetResult();
            await wire.WaitClosedAsync();
            gone.SetResult();
        });
        var client = await ClientAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await arrived.Task;
        Assert.Equal(1, Proxy.InFlight(Revision, $"i0-{upstream.Port}"));
        client.Dispose();
        await gone.Task;
        await Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}");
    }

    [Fact]
    public async Task ResponseStartTimeout_Is504()
    {
        Route(new RevisionPolicy { ResponseStartTimeout = TimeSpan.FromSeconds(10) });
        await AssertTimesOutAsync("response-start-timeout");
    }

    [Fact]
    public async Task Timeout_BeforeTheAnswer_Is504()
    {
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(10) });
        await AssertTimesOutAsync("timeout");
    }

    [Fact]
    public async Task IdleTimeout_BeforeTheAnswer_Is504()
    {
        Route(new RevisionPolicy { IdleTimeout = TimeSpan.FromSeconds(10) });
        await AssertTimesOutAsync("idle-timeout");
    }

    [Fact]
    public async Task Timeouts_InTheAnswer_CutIt_ButResponseStartDoesNot()
    {
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(100), ResponseStartTimeout = TimeSpan.FromSeconds(10), IdleTimeout = TimeSpan.FromSeconds(30) });
        var go = new SemaphoreSlim(0);
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
            while (true)
            {
                await wire.SendAsync("a");
                await go.WaitAsync();
            }
        });
        var client = await ClientAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReadHeadAsync();
        await client.ReadExactAsync(1);
        for (var i = 0; i < 4; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(20));
            go.Release();
            await client.ReadExactAsync(1);
        }
        Time.Advance(TimeSpan.FromSeconds(21));
        await Assert.ThrowsAnyAsync<Exception>(() => client.ReadExactAsync(1));
    }

    /// <summary>Its length was not said, so it ends properly, and so does not the client's connection (knative/serving: TestRevisionTimeout).</summary>
    [Theory]
    [InlineData(10, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "")]
    [InlineData(10, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", "part")]
    [InlineData(0, 10, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nha", "ha")]
    [InlineData(10, 0, "HTTP/1.1 200 OK\r\n\r\n", "")]
    public async Task Timeouts_InAnAnswerInChunks_EndItProperly(int timeout, int idle, string begun, string sent)
    {
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(timeout), IdleTimeout = TimeSpan.FromSeconds(idle) });
        var closed = new TaskCompletionSource();
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            await wire.SendAsync(begun);
            await wire.WaitClosedAsync();
            closed.SetResult();
        });
        var client = await ClientAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(200, (await client.ReadHeadAsync()).Status);
        if (sent.Length > 0)
        {
            Assert.Equal(sent, await ReadChunkAsync(client));
        }
        Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("request timeout", await ReadChunkAsync(client));
        Assert.Equal("", await ReadChunkAsync(client));
        await closed.Task;
        Serve(_ => Upstream.Ok("next"));
        Assert.Equal("next", (await client.GetAsync("h")).Body);
    }

    [Fact]
    public async Task Timeout_InAnAnswerOfAnHttp2Instance_EndsItProperly()
    {
        await using var upstream = await H2cUpstream.StartAsync(async context =>
        {
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        Route(new RevisionPolicy { Protocol = BackendProtocol.H2c, Timeout = TimeSpan.FromSeconds(10) });
        Proxy.SetInstance(Revision, upstream.Endpoint);
        var client = await ClientAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(200, (await client.ReadHeadAsync()).Status);
        Time.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("request timeout", await ReadChunkAsync(client));
        Assert.Equal("", await ReadChunkAsync(client));
    }

    private static async Task<string> ReadChunkAsync(Wire wire)
    {
        var data = await wire.ReadExactAsync(Convert.ToInt32(await wire.ReadLineAsync(), 16));
        Assert.Equal("", await wire.ReadLineAsync());
        return data;
    }

    [Fact]
    public async Task SlowHeader_AndSilence_CloseTheConnection()
    {
        var slow = await ClientAsync();
        await slow.SendAsync("GET / HTTP/1.1\r\n");
        var silent = await ClientAsync();
        Assert.Equal(404, (await silent.GetAsync("nobody")).Status);
        var (slowClosed, silentClosed) = (slow.WaitClosedAsync(), silent.WaitClosedAsync());
        while (!slowClosed.IsCompleted || !silentClosed.IsCompleted)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    /// <summary>A port that is free in one family may be another's in the other one.</summary>
    [Fact]
    public async Task AnyPort_ManyTakenInOneFamily_IsFreeInBoth()
    {
        for (var i = 0; i < 2000; i++)
        {
            var taken = Own(new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp));
            taken.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            taken.Listen();
        }
        for (var i = 0; i < 60; i++)
        {
            await using var proxy = new ProxyServer(new ProxyOptions { HttpPort = 0 });
            await proxy.StartAsync();
        }
    }

    [Fact]
    public async Task PortInUse_SaysWhichAndWhatToChange()
    {
        await using var second = new ProxyServer(new ProxyOptions { HttpPort = Proxy.HttpPort });
        var e = await Assert.ThrowsAsync<ProxyBindException>(() => second.StartAsync());
        Assert.Contains($"{Proxy.HttpPort}", e.Message, StringComparison.Ordinal);
        Assert.Contains("--http-port", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Loopback_ListensOnBothFamilies()
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("::1", Proxy.HttpPort);
        Assert.Equal(404, (await new Wire(socket).GetAsync("nobody")).Status);
    }

    [Fact]
    public async Task Dispose_LetsRequestsEnd()
    {
        var go = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.SetResult();
            await go.Task;
            await wire.SendAsync(Upstream.Ok("done"));
        });
        var idle = await ClientAsync();
        await idle.GetAsync("nobody");
        var answer = (await ClientAsync()).GetAsync("h");
        await arrived.Task;
        var disposing = Proxy.DisposeAsync();
        await idle.WaitClosedAsync();
        Assert.False(disposing.IsCompleted);
        go.SetResult();
        Assert.Equal("done", (await answer).Body);
        Assert.Equal("close", (await answer).Header("Connection"));
        await disposing;
    }

    [Fact]
    public async Task Draining_TakesNoNewRequests_AndTellsWhenIdle()
    {
        var go = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        var old = Own(Upstream.Answering(async _ =>
        {
            arrived.SetResult();
            await go.Task;
            return Upstream.Ok("old");
        }));
        Proxy.SetInstance(Revision, old.Endpoint("old"));
        var first = (await ClientAsync()).GetAsync("h");
        await arrived.Task;
        var fresh = Own(Upstream.Answering(_ => Upstream.Ok("new")));
        Proxy.SetInstance(Revision, fresh.Endpoint("new"));
        Proxy.SetInstance(Revision, old.Endpoint("old", EndpointState.Draining));
        var idle = Proxy.WhenIdleAsync(Revision, "old");
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("new", (await (await ClientAsync()).GetAsync("h")).Body);
        }
        Assert.False(idle.IsCompleted);
        go.SetResult();
        Assert.Equal("old", (await first).Body);
        await idle;
    }

    private async Task AssertTimesOutAsync(string reason)
    {
        var arrived = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.TrySetResult();
            await wire.WaitClosedAsync();
        });
        var client = await ClientAsync();
        var answer = client.GetAsync("h");
        await arrived.Task;
        Time.Advance(TimeSpan.FromSeconds(9));
        Assert.False(answer.IsCompleted);
        Time.Advance(TimeSpan.FromSeconds(1.2));
        Assert.Equal(504, (await answer).Status);
        Assert.Equal(reason, (await answer).Header("Serval-Error"));
        Assert.Equal(1, upstream.Connections);
        Assert.Equal(404, (await client.GetAsync("nobody")).Status);
    }
}
