using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Serval.Proxy;

/// <summary>Kestrel for connections that speak HTTP/2 with prior knowledge. Started by the first of them.</summary>
internal sealed class Http2Server : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private static readonly IPEndPoint s_nowhere = new(IPAddress.Loopback, 0);
    private readonly IProxyCore _core;
    private readonly HandlerUpstream _upstream;
    private readonly HandoffListener _listener = new(s_nowhere);
    private readonly KestrelServer _kestrel;
    private readonly Lazy<Task> _started;

    public Http2Server(IProxyCore core, HandlerUpstream upstream)
    {
        _core = core;
        _upstream = upstream;
        _kestrel = new KestrelServer(Options.Create(KestrelOptions(core.Options)), _listener, core.Options.LoggerFactory);
        _started = new Lazy<Task>(() => _kestrel.StartAsync(this, CancellationToken.None));
    }

    public bool TryHandOver(HandedConnection connection)
    {
        _ = _started.Value;
        return _listener.TryHandOver(connection);
    }

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public Task ProcessRequestAsync(HttpContext context) => new Http2Exchange(_core, _upstream, context).RunAsync();

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async ValueTask DisposeAsync()
    {
        if (_started.IsValueCreated)
        {
            await _started.Value;
            using var patience = new CancellationTokenSource(_core.Options.DrainTimeout, _core.Options.TimeProvider);
            await _kestrel.StopAsync(patience.Token);
        }
        _kestrel.Dispose();
    }

    private static KestrelServerOptions KestrelOptions(ProxyOptions options)
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false, ApplicationServices = NoServices.Instance };
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxRequestHeaderCount = options.MaxHeaders;
        kestrel.Limits.MaxRequestHeadersTotalSize = options.MaxHeadBytes;
        kestrel.Limits.KeepAliveTimeout = options.ClientIdleTimeout;
        kestrel.Limits.RequestHeadersTimeout = options.HeadTimeout;
        kestrel.Listen(s_nowhere, listen => listen.Protocols = HttpProtocols.Http2);
        return kestrel;
    }

    private sealed class NoServices : IServiceProvider
    {
        public static NoServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
