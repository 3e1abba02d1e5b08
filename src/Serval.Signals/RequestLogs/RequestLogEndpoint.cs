using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;

namespace Serval.Signals;

/// <summary>On a node: takes lines for the request logs of its pods, which gateways write.</summary>
/// <param name="append">Adds whole lines to the log of the pod with this uid; false when it has gone. Called by one at a time.</param>
public sealed class RequestLogEndpoint(Func<string, ReadOnlyMemory<byte>, bool> append) : ISignalEndpoint
{
    internal const string Route = "/signals/request-log";
    internal const int MostInOne = 1 << 20;
    private readonly Lock _lock = new(); // held while lines are added

    public string Path => Route;

    public string Method => HttpMethods.Post;

    public async Task AnswerAsync(HttpContext http)
    {
        http.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = MostInOne;
        var lines = new MemoryStream();
        await http.Request.Body.CopyToAsync(lines, http.RequestAborted);
        lock (_lock)
        {
            if (!append(http.Request.Query["pod"].ToString(), lines.GetBuffer().AsMemory(0, (int)lines.Length)))
            {
                throw new ApiException(404, "NotFound", "the pod is not on this node");
            }
        }
    }
}
