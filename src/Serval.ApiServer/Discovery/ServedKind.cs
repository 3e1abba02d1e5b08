using System.Text.Json;
using Serval.Api;

namespace Serval.ApiServer.Discovery;

/// <summary>A path below a kind's objects.</summary>
/// <param name="Name"><c>status</c>, <c>scale</c> or <c>log</c>.</param>
/// <param name="Verbs">What it answers to.</param>
/// <param name="Group">Group of what it returns; null for the kind's own.</param>
/// <param name="Version">Version of what it returns.</param>
/// <param name="Kind">Kind of what it returns.</param>
internal sealed record Subresource(string Name, IReadOnlyList<string> Verbs, string? Group, string Version, string Kind);

/// <summary>What discovery says of a kind: verbs and subresources.</summary>
internal static class ServedKind
{
    private static readonly string[] s_all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    private static readonly string[] s_create = ["create"];
    private static readonly string[] s_connect = ["create", "get"];
    private static readonly string[] s_ending = ["delete", "deletecollection", "get", "list", "watch"];
    private static readonly string[] s_proxy = ["create", "delete", "get", "patch", "update"];
    private static readonly string[] s_partial = ["get", "patch", "update"];

    public static IReadOnlyList<string> Verbs(ResourceKind kind) =>
        kind.Shape is { IsTerminating: true } ? s_ending : kind == Kinds.Binding || AccessKinds.Reviews.Contains(kind) ? s_create : s_all;

    public static IEnumerable<Subresource> Subresources(ResourceKind kind)
    {
        if (kind == Kinds.Pod)
        {
            yield return new("attach", s_connect, null, kind.Version, "PodAttachOptions");
            yield return new("binding", s_create, null, kind.Version, Kinds.Binding.Kind);
            yield return new("ephemeralcontainers", s_partial, null, kind.Version, kind.Kind);
            yield return new("eviction", s_create, PolicyKinds.PodDisruptionBudget.Group, PolicyKinds.PodDisruptionBudget.Version, PolicyKinds.Eviction);
            yield return new("exec", s_connect, null, kind.Version, "PodExecOptions");
            yield return new("log", ["get"], null, kind.Version, kind.Kind);
            yield return new("portforward", s_connect, null, kind.Version, "PodPortForwardOptions");
            yield return new("proxy", s_proxy, null, kind.Version, "PodProxyOptions");
            yield return new("resize", s_partial, null, kind.Version, kind.Kind);
        }
        if (kind == Kinds.Service || kind == Kinds.Node)
        {
            yield return new("proxy", s_proxy, null, kind.Version, $"{kind.Kind}ProxyOptions");
        }
        if (kind == Kinds.ServiceAccount)
        {
            yield return new("token", s_create, AccessKinds.TokenRequest.Group, AccessKinds.TokenRequest.Version, AccessKinds.TokenRequest.Kind);
        }
        if (kind == Kinds.Namespace)
        {
            yield return new("finalize", ["update"], null, kind.Version, kind.Kind);
        }
        if (kind.HasScale)
        {
            yield return new("scale", s_partial, "autoscaling", "v1", "Scale");
        }
        if (kind.HasStatus)
        {
            yield return new("status", s_partial, null, kind.Version, kind.Kind);
        }
    }

    public static void WriteStrings(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }
        writer.WriteEndArray();
    }
}
