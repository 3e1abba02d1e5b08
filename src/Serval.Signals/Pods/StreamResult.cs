using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube.Remote;

namespace Serval.Signals;

/// <summary>How a stream of a pod ended: <c>{"exitCode": 0}</c>, or a Status.</summary>
internal static class StreamResult
{
    private const string ExitCode = "exitCode";

    public static byte[] Of(int exitCode) => CanonicalJson.Serialize(new JsonObject { [ExitCode] = exitCode });

    public static byte[] Of(ApiException failure) => CanonicalJson.Serialize(Statuses.Of(failure));

    /// <exception cref="ApiException">What the other end says.</exception>
    /// <exception cref="IOException">That cannot be read.</exception>
    public static int Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var result = JsonNode.Parse(json) as JsonObject;
            return result?[ExitCode] is JsonValue code ? code.GetValue<int>() : throw StatusErrors.FromStatus(result ?? [], 500);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new IOException($"the node sends what cannot be read: {e.Message}", e);
        }
    }
}
