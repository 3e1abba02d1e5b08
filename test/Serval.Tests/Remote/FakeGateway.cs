using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Serval.Tests.Remote;

/// <summary>Answers with what it was asked.</summary>
internal sealed class FakeGateway : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Dictionary<int, TaskCompletionSource> _waiters = []; // guarded by itself
    private int _answered;

    private FakeGateway()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(async context =>
        {
            var request = context.Request;
            context.Response.StatusCode = request.Path == "/fail" ? 503 : 200;
            using var reader = new StreamReader(request.Body);
            var body = await reader.ReadToEndAsync();
            await context.Response.WriteAsync(request.Host.Host.EndsWith("localhost", StringComparison.Ordinal) ? "Hello from a test" : $"{request.Method} {request.Host} {request.Path}{request.QueryString} {request.ContentType} {request.Headers["X-One"]} {body}");
            Answered();
        });
    }

    public string Address => new Uri(_app.Urls.First()).Authority;

    public static async Task<FakeGateway> StartAsync()
    {
        var gateway = new FakeGateway();
        await gateway._app.StartAsync();
        return gateway;
    }

    /// <summary>Completes when this many requests have been answered.</summary>
    public Task WaitForAsync(int requests)
    {
        lock (_waiters)
        {
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters[requests] = waiter;
            if (_answered >= requests)
            {
                waiter.SetResult();
            }
            return waiter.Task;
        }
    }

    private void Answered()
    {
        lock (_waiters)
        {
            if (_waiters.TryGetValue(++_answered, out var waiter))
            {
                waiter.TrySetResult();
            }
        }
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
