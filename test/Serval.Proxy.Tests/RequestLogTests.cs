using Serval.Routing;

namespace Serval.Proxy.Tests;

public sealed class RequestLogTests : ProxyTest
{
    private readonly RecordingRequestLog _log = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_ThatReachedAnInstance_IsTold(bool http2)
    {
        Proxy.RequestLog = _log;
        var upstream = Serve(_ => "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
        if (http2)
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, RequestHeaderEncodingSelector = (_, _) => System.Text.Encoding.UTF8 });
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{Proxy.HttpPort}/a?b=c")
            {
                Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Headers = { { "Host", "h" } },
                Content = new StringContent("body"),
            };
            request.Headers.TryAddWithoutValidation("User-Agent", "mé");
            await client.SendAsync(request);
        }
        else
        {
            await (await ClientAsync()).SendReadAsync("POST /a?b=c HTTP/1.1\r\nHost: h\r\nuser-agent: mÃ©\r\nX-Other: 1\r\nContent-Length: 4\r\n\r\nbody");
        }
        var told = Assert.Single(await _log.WaitAsync(1));
        Assert.Equal(
            ("POST", "/a?b=c", "h", http2 ? "HTTP/2.0" : "HTTP/1.1", 4L, 201, 5L, Revision, $"i0-{upstream.Port}", "127.0.0.1", "mé"),
            (told.Method, told.Target, told.Host, told.Protocol, told.ContentLength, told.Status, told.Size, told.Backend, told.InstanceId,
                told.Client!.Address.ToString(), told.Headers["User-Agent"]));
        Assert.False(told.Headers.ContainsKey("X-Other"));
        Assert.NotEqual(0, told.Client.Port);
    }

    [Fact]
    public async Task OnlyRequestsAtInstances_AndProbesOnDemand()
    {
        Proxy.RequestLog = _log;
        Serve(_ => Upstream.Ok("ok"));
        var client = await ClientAsync();
        await client.SendReadAsync("GET /none HTTP/1.1\r\nHost: nobody\r\n\r\n");
        await client.SendReadAsync("GET /network HTTP/1.1\r\nHost: h\r\nK-Network-Probe: probe\r\n\r\n");
        await client.SendReadAsync("GET /quiet HTTP/1.1\r\nHost: h\r\nUser-Agent: kube-probe/1.34\r\n\r\n");
        _log.Probes = true;
        await client.SendReadAsync("GET /probe HTTP/1.1\r\nHost: h\r\nUser-Agent: kube-probe/1.34\r\n\r\n");
        await client.SendReadAsync("GET /none HTTP/1.1\r\nHost: nobody\r\n\r\n"); // a request is told of after its answer, and before the connection's next one
        Proxy.RequestLog = null;
        await client.SendReadAsync("GET /off HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.SendReadAsync("GET /none HTTP/1.1\r\nHost: nobody\r\n\r\n");
        Proxy.RequestLog = _log;
        await client.SendReadAsync("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(["/probe", "/last"], (await _log.WaitAsync(2)).Select(r => r.Target));
    }

    [Fact]
    public async Task Timeout_AtAnInstance_IsToldWithItsStatus()
    {
        Proxy.RequestLog = _log;
        Route(new RevisionPolicy { Timeout = TimeSpan.FromSeconds(1) });
        var arrived = new TaskCompletionSource();
        ServeRaw(async wire =>
        {
            await wire.ReadAsync();
            arrived.SetResult();
            await wire.ReadToEndAsync();
        });
        var answer = (await ClientAsync()).SendReadAsync("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
        await arrived.Task;
        Time.Advance(TimeSpan.FromSeconds(2));
        var told = Assert.Single(await _log.WaitAsync(1));
        Assert.Equal((504, (await answer).Body.Length), (told.Status, (int)told.Size));
    }

    private sealed class RecordingRequestLog : IRequestLog
    {
        private readonly List<RequestRecord> _records = [];

        public IReadOnlyList<string> Headers => ["User-Agent"];

        public bool Probes { get; set; }

        public void Write(RequestRecord record)
        {
            lock (_records)
            {
                _records.Add(record);
            }
        }

        public async Task<IReadOnlyList<RequestRecord>> WaitAsync(int count)
        {
            await Poll.UntilAsync(() => Snapshot().Count >= count);
            return Snapshot();
        }

        private List<RequestRecord> Snapshot()
        {
            lock (_records)
            {
                return [.. _records];
            }
        }
    }
}
