namespace Serval.ApiServer.Tests.Http;

/// <summary>apiserver server/healthz/healthz.go, healthz_test.go.</summary>
public sealed class HealthTests : IAsyncLifetime
{
    private bool _takesWrites = true;
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync() => _server = await ApiServerFixture.StartAsync(o => o with { StoreTakesWrites = () => _takesWrites });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("/healthz", 200, "ok")]
    [InlineData("/livez?verbose", 200, "[+]ping ok\nlivez check passed\n")]
    [InlineData("/readyz?verbose", 200, "[+]ping ok\n[+]store ok\nreadyz check passed\n")]
    [InlineData("/readyz?verbose=1&exclude=store", 200, "[+]ping ok\n[+]store excluded: ok\nreadyz check passed\n")]
    [InlineData("/readyz?verbose&exclude=etcd", 200,
        "[+]ping ok\n[+]store ok\nwarn: some health checks cannot be excluded: no matches for \"etcd\"\nreadyz check passed\n")]
    [InlineData("/readyz/store", 200, "ok")]
    [InlineData("/livez/ping", 200, "ok")]
    public async Task Well_SaysSo(string path, int code, string text) => Assert.Equal((code, text), await GetAsync(path));

    /// <summary>A store that takes no writes makes the server unready; to start it again would not help.</summary>
    [Theory]
    [InlineData("/readyz", 500, "[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n")]
    [InlineData("/readyz/store", 500, "internal server error: reason withheld\n")]
    [InlineData("/readyz?exclude=store", 200, "ok")]
    [InlineData("/livez", 200, "ok")]
    public async Task StoreThatFails_IsUnready(string path, int code, string text)
    {
        _takesWrites = false;
        Assert.Equal((code, text), await GetAsync(path));
    }

    [Theory]
    [InlineData("/readyz/nothing")]
    [InlineData("/livez/store")]
    [InlineData("/livez/ping/more")]
    public async Task UnknownCheck_Is404(string path) => Assert.Equal(404, (await GetAsync(path)).Code);

    private async Task<(int Code, string Text)> GetAsync(string path)
    {
        using var response = await _server.Client.GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();
        if ((int)response.StatusCode != 404)
        {
            Assert.Equal("text/plain; charset=utf-8", response.Content.Headers.ContentType!.ToString());
            Assert.Equal(path.Split('?')[0].Count(c => c == '/') == 1, response.Headers.Contains("X-Content-Type-Options")); // checks that echo names
        }
        return ((int)response.StatusCode, text);
    }
}
