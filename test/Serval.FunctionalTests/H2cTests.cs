using System.Net;

namespace Serval.FunctionalTests;

/// <summary>HTTP/2 with prior knowledge on the gateway's port.</summary>
public sealed class H2cTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Gateway_SpokenToInHttp2_Answers()
    {
        await fixture.ServiceAsync("h2");
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(30) };
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{fixture.Serval.GatewayPort}/")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Headers = { Host = "h2.default.localhost" },
        };
        using var response = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(HttpVersion.Version20, response.Version);
        Assert.Contains("hello from busybox", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
