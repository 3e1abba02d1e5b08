using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Signals;

/// <summary>Finds what answers a request, and asks whether the caller may; one Status for whatever goes wrong.</summary>
internal sealed class SignalApplication(IEnumerable<ISignalEndpoint> endpoints, SignalAccess access, ILogger logger, CancellationToken stopping)
    : SafeApplication(logger, stopping)
{
    private readonly ISignalEndpoint[] _endpoints = [.. endpoints];
    private readonly UserStreams _open = new();

    protected override async Task AnswerAsync(HttpContext context)
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
        using var place = _open.Enter(user);
        await endpoint.AnswerAsync(context);
    }

    protected override (string Type, string Text) Word(ApiException error) => ("application/json", Statuses.Of(error).ToJsonString());
}
