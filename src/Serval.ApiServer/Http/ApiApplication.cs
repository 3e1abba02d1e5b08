using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.ApiServer.Audit;

namespace Serval.ApiServer.Http;

/// <summary>Takes every request: sends it through its steps, and writes one Status for whatever goes wrong on them.</summary>
internal sealed partial class ApiApplication(RequestStep steps, AuditLog? audit, TimeProvider time, ILogger logger) : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-cache, private";
        var request = new ApiRequest(context, time.GetUtcNow());
        context.Response.Headers["Audit-Id"] = request.Id;
        if (audit is not null && request.Info.IsLongRunning)
        {
            context.Response.OnStarting(() => audit.TellAsync(request, "ResponseStarted").AsTask());
        }
        await AnswerAsync(request);
        if (audit is not null)
        {
            await audit.TellAsync(request, "ResponseComplete");
        }
    }

    private async Task AnswerAsync(ApiRequest request)
    {
        var context = request.Http;
        try
        {
            await steps(request);
        }
        catch (ApiException e)
        {
            await FailAsync(request, e);
        }
        catch (BadHttpRequestException e)
        {
            await FailAsync(request, ApiException.BadRequest($"the request could not be read: {e.Message}"));
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // The client left; there is nobody to tell.
        }
        catch (Exception e)
        {
            Log.Failed(logger, e, request.Method, request.AskedPath);
            await FailAsync(request, Failures.Internal());
        }
    }

    private async Task FailAsync(ApiRequest request, ApiException error)
    {
        var context = request.Http;
        request.Failure = error;
        if (context.Response.HasStarted)
        {
            Log.CutOff(logger, request.Method, request.AskedPath, error.Message);
            context.Abort(); // the only way left to say that the answer is not whole
            return;
        }
        if (error.Code == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }
        if (request.Authorization.Decision == "forbid")
        {
            context.Response.Headers.XContentTypeOptions = "nosniff"; // the text has a user's name in it
        }
        if (error.Details?["retryAfterSeconds"] is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString();
        }
        try
        {
            await Reply.JsonAsync(request, error.Code, StatusDocument.Failure(error));
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
