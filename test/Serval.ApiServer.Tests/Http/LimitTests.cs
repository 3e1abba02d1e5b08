using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Tests.Http;

/// <summary>How much at a time, and for how long.</summary>
public sealed class LimitTests
{
    private readonly ManualTime _clock = new(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));
    private readonly TaskCompletionSource _gate = new();

    [Fact]
    public async Task InFlight_OneTooMany_IsToldToComeAgain_ReadsAndWritesApart()
    {
        var step = new InFlight(400, 200, _ => _gate.Task);
        var inside = Enumerable.Range(0, 400).Select(_ => step.RunAsync(Request("GET")))
            .Concat(Enumerable.Range(0, 200).Select(_ => step.RunAsync(Request("POST")))).ToList();
        foreach (var method in new[] { "GET", "POST" })
        {
            var refused = await Assert.ThrowsAsync<ApiException>(() => step.RunAsync(Request(method)));
            Assert.Equal((429, "TooManyRequests", "Too many requests, please try again later."), (refused.Code, refused.Reason, refused.Message));
            Assert.Equal(1, (int)refused.Details!["retryAfterSeconds"]!);
        }
        inside.Add(step.RunAsync(Request("POST", user: new UserInfo("root", ["system:masters"]))));
        inside.Add(step.RunAsync(Request("GET", "/api/v1/pods", "?watch=true")));
        Assert.DoesNotContain(inside, t => t.IsCompleted);
        _gate.SetResult();
        await Task.WhenAll(inside);
        await step.RunAsync(Request("GET"));
    }

    [Theory]
    [InlineData("GET", "", 60)]
    [InlineData("PATCH", "", 34)]
    [InlineData("GET", "?timeout=5s", 5)]
    [InlineData("GET", "?timeout=2h", 60)]
    public async Task Deadline_Passed_IsATimeout(string method, string query, int seconds)
    {
        var step = new RequestDeadline(_clock, r => Task.Delay(Timeout.InfiniteTimeSpan, _clock, r.Aborted));
        var request = Request(method, query: query);
        var running = step.RunAsync(request);
        _clock.Advance(TimeSpan.FromSeconds(seconds - 1));
        Assert.False(running.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var late = await Assert.ThrowsAsync<ApiException>(() => running);
        Assert.Equal((504, "Timeout", "Timeout: request did not complete within the allotted timeout"), (late.Code, late.Reason, late.Message));
        Assert.False(request.Aborted.IsCancellationRequested); // the failure can still be written
    }

    [Fact]
    public async Task Deadline_OfAWatch_IsNone_AndAWrongOneIsRefused()
    {
        var step = new RequestDeadline(_clock, _ => _gate.Task);
        var watch = step.RunAsync(Request("GET", query: "?watch=1"));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.False(watch.IsCompleted);
        _gate.SetResult();
        await watch;
        Assert.Equal(400, (await Assert.ThrowsAsync<ApiException>(() => step.RunAsync(Request("GET", query: "?timeout=soon")))).Code);
    }

    [Fact]
    public void Watches_OfOneUser_AreFewerThanOfAll()
    {
        var open = new OpenRequests("watches", 5, 2);
        UserInfo ann = new("ann", []), bob = new("bob", []), root = new("root", ["system:masters"]);
        foreach (var user in new[] { ann, ann, root, root })
        {
            open.Enter(user);
        }
        Assert.Equal(429, Assert.Throws<ApiException>(() => open.Enter(ann)).Code);
        open.Enter(bob);
        Assert.Equal(429, Assert.Throws<ApiException>(() => open.Enter(root)).Code);
        open.Leave(ann);
        open.Enter(ann);
    }

    /// <summary>Kestrel counts real seconds here; the test waits for its answer, however long that takes.</summary>
    [Fact]
    public async Task Body_ThatDrips_IsCutOff()
    {
        await using var server = await ApiServerFixture.StartAsync();
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(server.Host.Address.Host, server.Host.Port);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, certificate, _, _) => server.Trusts(certificate));
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(Encoding.ASCII.GetBytes(
            "POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n"
            + $"Authorization: Bearer {server.AdminToken}\r\n\r\n{{"));
        using var reader = new StreamReader(tls);
        Assert.Equal("HTTP/1.1 408 Request Timeout", await reader.ReadLineAsync());
        Assert.Contains("\"reason\":\"Timeout\"", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>As many as upstream lets into the answer's head (apiserver: filters/warning.go).</summary>
    [Theory]
    [InlineData(8, 500, 8, 500)]
    [InlineData(9, 500, 9, 256)]
    [InlineData(40, 500, 16, 256)]
    [InlineData(1, 100_000, 1, 256)]
    public void Warnings_OfTooMuchText_AreCut(int count, int length, int told, int each)
    {
        var request = Request("POST");
        for (var i = 0; i < count; i++)
        {
            request.Warn($"{i:D2}{new string('w', length - 2)}");
            request.Warn($"{i:D2}{new string('w', length - 2)}");
        }
        request.WriteWarnings();
        var warnings = request.Http.Response.Headers["Warning"];
        Assert.Equal((told, told * (each + "299 - \"\"".Length)), (warnings.Count, warnings.Sum(w => w!.Length)));
    }

    [Theory]
    [InlineData("kubectl/v1.36 (linux)", "kubectl")]
    [InlineData("a\u0001b", "ab")]
    [InlineData("127é", "127")]
    [InlineData("126é", "126é")]
    [InlineData("127\U0001F600", "127")]
    public void Manager_OfAUserAgent_Has128BytesAtMost(string agent, string manager) => // numbers are so many letters
        Assert.Equal(Long(manager), WriteRules.ManagerOf(Long(agent)));

    private static string Long(string text) => text.Replace("127", new string('x', 127), StringComparison.Ordinal).Replace("126", new string('x', 126), StringComparison.Ordinal);

    private ApiRequest Request(string method, string path = "/api/v1/namespaces/a/pods", string query = "", UserInfo? user = null)
    {
        var http = new DefaultHttpContext { Request = { Method = method, Path = path, QueryString = new QueryString(query) } };
        return new ApiRequest(http, _clock.GetUtcNow()) { User = user ?? new UserInfo("ann", []) };
    }
}
