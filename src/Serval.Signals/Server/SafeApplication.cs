using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Signals;

/// <summary>Takes every request of a server: whatever goes wrong becomes one answer, or the end of the connection when it is too late for one. Derive to answer.</summary>
internal abstract partial class SafeApplication(ILogger logger, CancellationToken stopping) : IHttpApplication<HttpContext>
{
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

    /// <summary>Answers. <see cref="HttpContext.RequestAborted"/> ends too when the server stops.</summary>
    protected abstract Task AnswerAsync(HttpContext context);

    /// <summary>The type of a failure's answer, and its text.</summary>
    protected abstract (string Type, string Text) Word(ApiException error);

    private async Task FailAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // the only way left to say that the answer is not whole
            return;
        }
        var (type, text) = Word(error);
        context.Response.StatusCode = error.Code;
        context.Response.ContentType = type;
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
            await context.Response.WriteAsync(text, context.RequestAborted);
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
