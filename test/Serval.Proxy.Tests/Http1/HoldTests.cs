using Serval.Routing;

namespace Serval.Proxy.Tests.Http1;

public class HoldTests : ProxyTest
{
    protected override ProxyOptions Options => base.Options with { MaxHeldPerRevision = 300 };

    [Fact]
    public async Task Held300_AreAllServed_WhenAnInstanceComes()
    {
        var clients = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => ClientAsync()));
        var answers = clients.Select((c, i) => i % 2 == 0
            ? c.GetAsync("h", $"/{i}")
            : c.SendReadAsync($"POST /{i} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")).ToArray();
        await Demand.WaitAsync(d => d.Held > 0);
        await WaitHeldAsync(300);
        var refused = await (await ClientAsync()).GetAsync("h");
        Assert.Equal((503, "queue-full"), (refused.Status, refused.Header("Serval-Error")));
        Assert.Contains("pending request queue full", refused.Body, StringComparison.Ordinal); // upstream's words (pkg/queue/breaker.go)
        var upstream = Own(Upstream.Answering(m => Upstream.Ok(m.StartLine.Split(' ')[1] + m.Body)));
        Proxy.SetInstance(Revision, upstream.Endpoint("a"));
        var bodies = (await Task.WhenAll(answers)).Select(a => a.Body).ToArray();
        Assert.Equal(Enumerable.Range(0, 300).Select(i => i % 2 == 0 ? $"/{i}" : $"/{i}abc"), bodies);
    }

    [Fact]
    public async Task Held_IsServedInOrder_WithContainerConcurrency1()
    {
        Route(new RevisionPolicy { ContainerConcurrency = 1 });
        var order = new List<string>();
        var answers = new List<Task<Message>>();
        for (var i = 0; i < 20; i++)
        {
            answers.Add((await ClientAsync()).GetAsync("h", $"/{i}"));
            await WaitHeldAsync(i + 1);
        }
        Serve(m =>
        {
            order.Add(m.StartLine.Split(' ')[1]);
            return Upstream.Ok("");
        });
        await Task.WhenAll(answers);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"/{i}"), order);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")]
    public async Task ClientThatGoesAway_LeavesTheQueue(string request)
    {
        var client = await ClientAsync();
        await client.SendAsync(request);
        await WaitHeldAsync(1);
        client.Dispose();
        await WaitHeldAsync(0);
    }

    [Fact]
    public async Task ClientThatGoesAway_AfterMoreOfItsBody_IsFoundByTheScan()
    {
        var client = await ClientAsync();
        await client.SendAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
        await WaitHeldAsync(1);
        await client.SendAsync("more");
        client.Dispose();
        while (Proxy.Held(Revision) > 0)
        {
            Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }

    [Fact]
    public async Task HeldTooLong_Is504_AndTheConnectionStays()
    {
        Route(new RevisionPolicy { ResponseStartTimeout = TimeSpan.FromSeconds(10) });
        var client = await ClientAsync();
        var answer = client.GetAsync("h");
        await WaitHeldAsync(1);
        Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(1, Proxy.Held(Revision));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(504, (await answer).Status);
        Assert.Equal("no-endpoint-timeout", (await answer).Header("Serval-Error"));
        Assert.Contains("default/hello-00001", (await answer).Body, StringComparison.Ordinal);
        Assert.Equal(404, (await client.GetAsync("nobody")).Status);
    }

    [Theory]
    [InlineData("", "(revision default/hello-00001: ExitCode1). Look at")]
    [InlineData("Accept: application/json\r\n", "\"backend\":\"revision default/hello-00001\",\"cause\":\"ExitCode1\"")]
    public async Task HeldTooLong_NamesWhyNothingIsReady(string accept, string expected)
    {
        Causes[Revision] = "ExitCode1";
        Route(new RevisionPolicy { ResponseStartTimeout = TimeSpan.FromSeconds(10) });
        var client = await ClientAsync();
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: h\r\n{accept}\r\n");
        await WaitHeldAsync(1);
        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains(expected, (await client.ReadAsync()).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RemovedRevision_FailsThoseHeld()
    {
        var client = await ClientAsync();
        var answer = client.GetAsync("h");
        await WaitHeldAsync(1);
        Proxy.Remove(Revision);
        Assert.Equal("backend-removed", (await answer).Header("Serval-Error"));
    }

    [Fact]
    public async Task InstanceThatRefuses_RequestStaysHeld_UntilAnotherComes()
    {
        Proxy.SetInstance(Revision, new BackendEndpoint("127.0.0.1", Upstream.FreePort(), "dead"));
        var answer = (await ClientAsync()).SendReadAsync("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
        await WaitHeldAsync(1);
        for (var i = 0; i < 5; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(1)); // it is tried again, and again refuses
            await WaitHeldAsync(1);
        }
        var upstream = Own(Upstream.Answering(m => Upstream.Ok(m.Body)));
        Proxy.SetInstance(Revision, upstream.Endpoint("alive"));
        Assert.Equal("abc", (await answer).Body);
    }

    [Fact]
    public async Task PlainService_IsNeverHeld()
    {
        var service = BackendKey.Service("default", "plain", "80");
        Publish(new RouteTableBuilder().Add("s", new RouteRule { Backends = [new WeightedBackend { Backend = service }] }).Build(2));
        var client = await ClientAsync();
        Assert.Equal("no-endpoint", (await client.GetAsync("s")).Header("Serval-Error"));
        Proxy.Set(service, EndpointsSnapshot.Of(new BackendEndpoint("127.0.0.1", Upstream.FreePort(), "x")));
        var answer = client.GetAsync("s");
        await Poll.UntilAsync(() => Proxy.Held(service) > 0);
        while (!answer.IsCompleted)
        {
            Time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }
        Assert.Equal("upstream-connect", (await answer).Header("Serval-Error"));
    }

    [Fact]
    public async Task PlainService_RoutedToAgain_ReachesTheSamePods()
    {
        var service = BackendKey.Service("default", "plain", "80");
        Publish(new RouteTableBuilder().Add("s", new RouteRule { Backends = [new WeightedBackend { Backend = service }] }).Build(2));
        var endpoints = EndpointsSnapshot.Of(Own(Upstream.Answering(_ => Upstream.Ok("here"))).Endpoint("pod"));
        var client = await ClientAsync();
        Proxy.Set(service, endpoints);
        Assert.Equal("here", (await client.GetAsync("s")).Body);

        Proxy.Remove(service);
        Assert.Equal("no-endpoint", (await client.GetAsync("s")).Header("Serval-Error"));
        Proxy.Set(service, endpoints);

        Assert.Equal("here", (await client.GetAsync("s")).Body);
    }

    [Fact]
    public async Task InstanceThatStartedAgain_TakesRequestsAgain()
    {
        var first = Own(Upstream.Answering(_ => Upstream.Ok("first life")));
        var port = first.Endpoint("same").Port;
        var client = await ClientAsync();
        Proxy.SetInstance(Revision, first.Endpoint("same"));
        Assert.Equal("first life", (await client.GetAsync("h")).Body);
        first.Dispose();
        Proxy.SetInstance(Revision, first.Endpoint("same") with { State = EndpointState.Draining });
        var held = client.GetAsync("h");
        await WaitHeldAsync(1);

        Own(Upstream.Answering(_ => Upstream.Ok("second life"), port));
        Proxy.SetInstance(Revision, new BackendEndpoint("127.0.0.1", port, "same"));

        Assert.Equal("second life", (await held).Body);
    }

    [Fact]
    public async Task Demand_AtOnce_EachSecond_AndALastZero()
    {
        var client = await ClientAsync();
        var answer = client.GetAsync("h");
        await Demand.WaitAsync(d => d is { Held: 1, InFlight: 0, Requests: 1 });
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(new BackendDemand(Revision, 0, 1, 1, 0), Demand.Reports[^1]);
        var upstream = Serve(_ => Upstream.Ok("x"));
        await answer;
        await Proxy.WhenIdleAsync(Revision, $"i0-{upstream.Port}"); // the slot comes back after the answer's last byte
        Time.Advance(TimeSpan.FromSeconds(3));
        var reports = Demand.Reports;
        Assert.Equal(new BackendDemand(Revision, 0, 0, 0, 0), reports[^1]);
        Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(reports.Count, Demand.Reports.Count);
        await client.GetAsync("h");
        Assert.Equal(1, Demand.Reports[reports.Count].Requests);
    }
}
