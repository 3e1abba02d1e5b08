using System.Text.Json;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>Asks the nodes, one after the other, what an image is: each has images of its own. While none can be asked nobody knows, which is no answer.</summary>
public sealed class RemoteImageResolver(PeerDirectory peers, SignalClient client) : IImageResolver
{
    private const int MostAnswer = 64 << 10;

    public async ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct)
    {
        var (missing, failure) = ("", "no node is there");
        foreach (var node in peers.Live(PeerRole.Node))
        {
            try
            {
                using var response = await client.SendAsync(node, HttpMethod.Get, $"{ImageEndpoint.Route}?reference={Uri.EscapeDataString(reference)}", ct);
                await response.Content.LoadIntoBufferAsync(MostAnswer, ct);
                return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(ct), SignalJson.Default.ResolvedImage) ?? throw new JsonException("null is no image");
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                missing = e.Message;
            }
            catch (Exception e) when (e is ApiException or HttpRequestException or TimeoutException or IOException or JsonException)
            {
                failure = $"{node}: {e.InnerException?.Message ?? e.Message}";
            }
        }
        throw missing.Length > 0 ? new ImageNotFoundException(missing) : new ApiException(503, "ServiceUnavailable", $"no node says what it is: {failure}");
    }
}
