using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Signals;

/// <summary>Takes every request: finds what answers it, and asks whether the caller may; one Status for whatever goes wrong.</summary>
internal sealed partial class SignalApplication(
    IEnumerable<ISignalEndpoint> endpoints, SignalAccess access, ILogger logger, CancellationToken stopping) : IHttpApplication<HttpContext>
{
    /// <summary>Requests of one user at once: a stream is one.</summary>
    internal const int MostOfUser = 1000;

    private readonly ISignalEndpoint[] _endpoints = [.. endpoints];
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal); // guarded by _lock

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        context.RequestAborted = ends.Token;
        try
        {
            await AnswerAsync(context);
        }
        catch (ApiException e)
        {
            await FailAsync(context, e);
        }
        catch (BadHttpRequestException e)
        {
            await FailAsync(context, ApiException.BadRequest($"the request could not be read: {e.Message}"));
        }
        catch (Exception e) when (e is IOException || (ends.IsCancellationRequested && e is OperationCanceledException))
        {
            context.Abort(); // the reader left, or is told that the stream is over
        }
        catch (Exception e)
        {
            Log.Failed(logger, e, context.Request.Method, context.Request.Path);
            await FailAsync(context, new ApiException(500, "InternalError", "Internal error occurred: the server's log holds the cause", details: []));
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == "/healthz")
        {
            await context.Response.WriteAsync("ok", context.RequestAborted);
            return;
        }
        var endpoint = _endpoints.FirstOrDefault(e => e.Path == path || (e.Path.EndsWith('/') && path.StartsWith(e.Path, StringComparison.Ordinal)))
            ?? throw new ApiException(404, "NotFound", "the server could not find the requested resource", details: []);
        if (context.Request.Method != endpoint.Method)
        {
            throw new ApiException(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details: []);
        }
        var user = await access.CheckAsync(context.Request.Headers.Authorization, endpoint.Right, context.RequestAborted);
        Enter(user);
        try
        {
            await endpoint.AnswerAsync(context);
        }
        finally
        {
            Leave(user);
        }
    }

    private void Enter(string user)
    {
        lock (_lock)
        {
            var open = _open.GetValueOrDefault(user);
            if (open >= MostOfUser)
            {
                throw ApiException.TooManyRequests($"too many streams are open ({MostOfUser}); close some, or try again", retryAfterSeconds: 1);
            }
            _open[user] = open + 1;
        }
    }

    private void Leave(string user)
    {
        lock (_lock)
        {
            if (--_open[user] == 0)
            {
                _open.Remove(user);
            }
        }
    }

    private static async Task FailAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // the only way left to say that the answer is not whole
            return;
        }
        context.Response.StatusCode = error.Code;
        context.Response.ContentType = "application/json";
        if (error.Code == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }
        if (error.Details?["retryAfterSeconds"] is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString();
        }
        try
        {
            await context.Response.WriteAsync(Statuses.Of(error).ToJsonString(), context.RequestAborted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The reader left; there is nobody to tell.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4011, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
        internal static partial void Failed(ILogger logger, Exception e, string method, string path);
    }
}
