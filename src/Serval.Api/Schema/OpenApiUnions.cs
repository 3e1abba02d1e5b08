using System.Text.Json;

namespace Serval.Api.Schema;

/// <summary>Types of which one member at a time may be set, by another one (kube-openapi: pkg/generators/union.go).</summary>
internal static class OpenApiUnions
{
    public static void Write(Utf8JsonWriter json, TypeSchema type)
    {
        (string? Discriminator, string Field, string Value) union = type.FullName switch
        {
            "io.k8s.api.core.v1.AppArmorProfile" or "io.k8s.api.core.v1.SeccompProfile" => ("type", "localhostProfile", "LocalhostProfile"),
            "io.k8s.api.core.v1.PodSchedulingGroup" => (null, "podGroupName", "PodGroupName"),
            _ => default,
        };
        if (union.Field is null)
        {
            return;
        }
        json.WriteStartArray("x-kubernetes-unions");
        json.WriteStartObject();
        if (union.Discriminator is { } discriminator)
        {
            json.WriteString("discriminator", discriminator);
        }
        json.WriteStartObject("fields-to-discriminateBy");
        json.WriteString(union.Field, union.Value);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }
}
