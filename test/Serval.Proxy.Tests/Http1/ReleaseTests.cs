using System.Net;
using System.Net.Sockets;
using Serval.Routing;

namespace Serval.Proxy.Tests.Http1;

/// <summary>Whatever happens to a connection, what it held is given back.</summary>
public class ReleaseTests : ProxyTest
{
    /// <summary>The scan for deadlines runs beside the accept: it closed connections that had not begun to read, and their client got no answer.</summary>
    [Fact]
    public async Task Scan_BeforeAConnectionReads_LeavesItOpen()
    {
        var world = new ConnectionWorld();
        world.Pass(TimeSpan.FromSeconds(1));
        Assert.False(world.Client.Closed.IsCompleted);

        var running = world.Connection.RunAsync();
        world.Pass(world.Options.ClientIdleTimeout);
        await running;
        Assert.True(world.Client.Closed.IsCompleted); // as one that says nothing
    }

    [Fact]
    public async Task Defect_AfterTheAnswer_FreesTheSlot()
    {
        Route(new RevisionPolicy { ContainerConcurrency = 1 });
        var (arrived, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var upstream = Own(Upstream.Answering(async _ =>
        {
            arrived.TrySetResult();
            await go.Task;
            return Upstream.Ok("x");
        }));
        Ready(upstream);
        var client = await ClientAsync();
        var answer = client.GetAsync("h");
        await arrived.Task;
        Time.FailOnce(new InvalidOperationException("a defect"));
        go.SetResult();
        await answer;
        await client.WaitClosedAsync();
        await Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}");
        Assert.Equal(200, (await (await ClientAsync()).GetAsync("h")).Status);
        while (Log.Errors.Count == 0)
        {
            await Task.Yield(); // told when all is given back
        }
        Assert.Contains("a defect", Assert.Single(Log.Errors), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Defect_WithAnUploadUnderWay_EndsIt_AndClosesBothSides()
    {
        Route(new RevisionPolicy { ContainerConcurrency = 1, IdleTimeout = TimeSpan.FromSeconds(10) });
        var gone = new TaskCompletionSource();
        var upstream = ServeRaw(async wire =>
        {
            await wire.ReadHeadAsync();
            await wire.ReadExactAsync(1);
            Time.FailOnce(new InvalidOperationException("a defect"));
            await wire.SendAsync(Upstream.Ok("early"));
            await wire.WaitClosedAsync();
            gone.SetResult();
        });
        var client = await ClientAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\na");
        await client.WaitClosedAsync();
        await gone.Task;
        await Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}");
    }

    [Fact]
    public async Task Http2Instance_GetsAsManyHeadersAsMayBeSent()
    {
        await using var upstream = await H2cUpstream.StartAsync(context =>
        {
            context.Response.ContentLength = 0;
            context.Response.Headers["X-Count"] = $"{context.Request.Headers.Keys.Count(k => k.StartsWith("x-a", StringComparison.OrdinalIgnoreCase))}";
            return Task.CompletedTask;
        });
        Route(new RevisionPolicy { ContainerConcurrency = 1, Protocol = BackendProtocol.H2c });
        Proxy.SetInstance(Revision, upstream.Endpoint);
        var client = await ClientAsync();
        var fields = string.Concat(Enumerable.Range(0, 99).Select(i => $"x-a{i}: 1\r\n"));
        var answer = await client.SendReadAsync($"GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        Assert.Equal((200, "99"), (answer.Status, answer.Header("X-Count")));
        Assert.Empty(Log.Errors);
    }

    [Fact]
    public async Task NoDescriptors_NoPlaceAmongTheNewConnectionsIsLost()
    {
        var pool = new UpstreamPool(Time, TimeSpan.FromMinutes(1));
        for (var i = 0; i < ConnectPace.Free * 3; i++)
        {
            Assert.Null(await pool.ConnectAsync(new NoAddress(), _ => { }));
        }
    }

    [Fact]
    public async Task EarlyAnswer_ToARequestThatCouldNotBeSent_BodyIsNotTakenForARequest()
    {
        var world = new ConnectionWorld();
        var instance = world.Connect();
        instance.Broken = true;
        var running = world.Connection.RunAsync();
        const string Inner = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
        world.Client.Deliver($"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {Inner.Length}\r\n\r\n");
        await instance.Sending;
        instance.Deliver(Upstream.Ok("early"));
        await world.Client.Sending;
        var next = world.Connect();
        world.Client.Deliver(Inner);
        while (!running.IsCompleted && next.Sent.Length == 0)
        {
            world.Pass(TimeSpan.FromSeconds(1)); // it reads and drops the body for a moment
            await Task.Yield();
        }
        Assert.Equal("", next.Sent);
        Assert.Contains("Connection: close", world.Client.Sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EarlyAnswer_SlotIsFree_WhileTheRestOfTheBodyIsDropped()
    {
        var world = new ConnectionWorld(new RevisionPolicy { ContainerConcurrency = 1 });
        var instance = world.Connect();
        var running = world.Connection.RunAsync();
        world.Client.Deliver("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\npart");
        await instance.Sending;
        instance.Deliver(Upstream.Ok("early"));
        await instance.Closed;
        await Poll.UntilAsync(() => world.InFlight == 0);
        Assert.False(running.IsCompleted); // it lingers, so that the client gets the answer
        while (!running.IsCompleted)
        {
            world.Pass(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    /// <summary>An address no socket can be made for.</summary>
    private sealed class NoAddress() : IPEndPoint(IPAddress.Loopback, 1)
    {
        public override AddressFamily AddressFamily => (AddressFamily)12345;
    }
}
