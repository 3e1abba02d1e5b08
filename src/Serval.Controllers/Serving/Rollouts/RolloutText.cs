using System.Text.Json;
using System.Text.Json.Serialization;

namespace Serval.Controllers.Serving;

/// <summary>A rollout's state as the annotation <c>networking.internal.knative.dev/rollout</c> of an Ingress holds it.</summary>
internal static class RolloutText
{
    internal static string Write(Rollout rollout) => JsonSerializer.Serialize(rollout, RolloutJson.Default.Rollout);

    /// <summary>The state; null when there is none, or none that can be gone on from: then the newest revision gets everything.</summary>
    internal static Rollout? Read(string? text)
    {
        try
        {
            return text is { Length: > 0 } && JsonSerializer.Deserialize(text, RolloutJson.Default.Rollout) is { } rollout
                && rollout.Configurations.All(c => c is { IsSound: true }) ? rollout : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, PropertyNameCaseInsensitive = false, NumberHandling = JsonNumberHandling.Strict,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Rollout))]
internal sealed partial class RolloutJson : JsonSerializerContext;
