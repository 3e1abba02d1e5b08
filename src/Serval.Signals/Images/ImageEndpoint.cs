using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>On a node: what an image reference stands for.</summary>
/// <param name="images">Its images.</param>
public sealed class ImageEndpoint(IImageResolver images) : ISignalEndpoint
{
    internal const string Route = "/signals/image";

    public string Path => Route;

    public async Task AnswerAsync(HttpContext http)
    {
        try
        {
            var found = await images.ResolveAsync(http.Request.Query["reference"].ToString(), http.RequestAborted);
            http.Response.ContentType = "application/json";
            await http.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(found, SignalJson.Default.ResolvedImage), http.RequestAborted);
        }
        catch (ImageNotFoundException e)
        {
            throw new ApiException(404, "NotFound", e.Message);
        }
    }
}
