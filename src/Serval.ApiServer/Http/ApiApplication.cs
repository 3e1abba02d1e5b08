using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Discovery;

namespace Serval.ApiServer.Http;

/// <summary>Takes every request: who asks, what for, and one Status for whatever goes wrong.</summary>
internal sealed partial class ApiApplication(Authenticator authenticator, DiscoveryHandler discovery, ResourceDispatcher resources, ILogger logger)
    : IHttpApplication<HttpContext>
{
    private readonly Document _version = VersionDocument.Create();

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-cache, private";
        try
        {
            await DispatchAsync(context);
        }
        catch (ApiException e)
        {
            await FailAsync(context, e);
        }
        catch (BadHttpRequestException e)
        {
            await FailAsync(context, ApiException.BadRequest($"the request could not be read: {e.Message}"));
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // The client left; there is nobody to tell.
        }
        catch (Exception e)
        {
            Log.Failed(logger, e, context.Request.Method, context.Request.Path.Value ?? "/");
            await FailAsync(context, Failures.Internal());
        }
    }

    private async Task DispatchAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        if (IsHealth(path))
        {
            await Reply.TextAsync(context, 200, "ok");
            return;
        }
        if (path == "/version")
        {
            await Reply.JsonAsync(context, 200, _version.Json);
            return;
        }
        var user = authenticator.Authenticate(context) ?? throw Failures.Unauthorized();
        if (!user.IsAdmin)
        {
            throw Failures.Forbidden(user.Name, context.Request.Method, path);
        }
        if (DiscoveryHandler.Owns(path))
        {
            await discovery.GetAsync(context);
            return;
        }
        await resources.HandleAsync(new ApiRequest(context, user));
    }

    private static bool IsHealth(string path) =>
        path is "/healthz" or "/livez" or "/readyz" || path.StartsWith("/livez/", StringComparison.Ordinal)
        || path.StartsWith("/readyz/", StringComparison.Ordinal) || path.StartsWith("/healthz/", StringComparison.Ordinal);

    private async Task FailAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted)
        {
            Log.CutOff(logger, context.Request.Method, context.Request.Path.Value ?? "/", error.Message);
            context.Abort(); // the only way left to say that the answer is not whole
            return;
        }
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
            await Reply.JsonAsync(context, error.Code, StatusDocument.Failure(error));
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The client left before it heard of the failure.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Error, "{Method} {Path} failed")]
        public static partial void Failed(ILogger logger, Exception error, string method, string path);

        [LoggerMessage(3002, LogLevel.Warning, "{Method} {Path}: the answer was cut off: {Cause}")]
        public static partial void CutOff(ILogger logger, string method, string path, string cause);
    }
}
