using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Serval.Kube.Remote;

namespace Serval.Kube.Tests;

/// <summary>A server that answers each request with the next of its answers, and remembers what was asked.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<RequestDelegate> _answers;

    private StubServer(X509Certificate2? certificate, RequestDelegate[] answers)
    {
        _answers = new ConcurrentQueue<RequestDelegate>(answers);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l =>
        {
            if (certificate is not null)
            {
                l.UseHttps(new TlsHandshakeCallbackOptions // which, unlike the simple way, takes any certificate
                {
                    OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = certificate }),
                });
            }
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Method, path with query, and Authorization.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    public ClusterAccess Access => new() { Source = "the test", Server = new Uri(_app.Urls.First()) };

    public static Task<StubServer> StartAsync(params RequestDelegate[] answers) => StartAsync(certificate: null, answers);

    public static async Task<StubServer> StartAsync(X509Certificate2? certificate, params RequestDelegate[] answers)
    {
        var server = new StubServer(certificate, answers);
        await server._app.StartAsync();
        return server;
    }

    public static RequestDelegate Say(int code, string body, params (string Name, string Value)[] headers) => async http =>
    {
        http.Response.StatusCode = code;
        foreach (var (name, value) in headers)
        {
            http.Response.Headers.Append(name, value);
        }
        await http.Response.WriteAsync(body);
    };

    /// <summary>Breaks the connection without an answer.</summary>
    public static Task Break(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        Asked.Enqueue($"{http.Request.Method} {http.Request.Path}{http.Request.QueryString} {http.Request.Headers.Authorization}".TrimEnd());
        if (_answers.TryDequeue(out var answer))
        {
            await answer(http);
            return;
        }
        var left = new TaskCompletionSource();
        await using var registration = http.RequestAborted.Register(left.SetResult);
        await left.Task;
    }
}
