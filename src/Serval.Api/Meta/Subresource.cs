namespace Serval.Api;

/// <summary>A path below a kind's objects.</summary>
/// <param name="Name"><c>status</c>, <c>scale</c>, <c>log</c> …</param>
/// <param name="Verbs">What it answers to, as discovery names it.</param>
/// <param name="Group">Group of what it returns; null for the kind's own.</param>
/// <param name="Version">Version of what it returns.</param>
/// <param name="Kind">Kind of what it returns.</param>
public sealed record Subresource(string Name, IReadOnlyList<string> Verbs, string? Group, string Version, string Kind)
{
    private static readonly string[] s_create = ["create"];
    private static readonly string[] s_connect = ["create", "get"];
    private static readonly string[] s_proxy = ["create", "delete", "get", "patch", "update"];
    private static readonly string[] s_partial = ["get", "patch", "update"];

    /// <summary>Those of a kind, in the order of discovery: that of their names, but of a custom kind status comes first (apiextensions-apiserver: customresource_discovery_controller.go).</summary>
    public static IEnumerable<Subresource> Of(ResourceKind kind) => kind.IsCustom ? BuiltIn(kind).Reverse() : BuiltIn(kind);

    private static IEnumerable<Subresource> BuiltIn(ResourceKind kind)
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
}
