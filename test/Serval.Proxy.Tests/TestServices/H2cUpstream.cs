using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Serval.Routing;

namespace Serval.Proxy.Tests;

/// <summary>An instance that speaks HTTP/2 only.</summary>
public sealed class H2cUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private H2cUpstream(WebApplication app) => _app = app;

    public BackendEndpoint Endpoint => new("127.0.0.1", new Uri(_app.Urls.First()).Port, "h2c");

    public static async Task<H2cUpstream> StartAsync(RequestDelegate handle)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.Limits.MaxRequestHeaderCount = 200; // the proxy's own come on top of a hundred
            k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        app.Run(handle);
        await app.StartAsync();
        return new H2cUpstream(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
