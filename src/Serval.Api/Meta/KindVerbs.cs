namespace Serval.Api;

/// <summary>The verbs of a kind's collection and objects, as discovery names them.</summary>
public static class KindVerbs
{
    private static readonly string[] s_all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    private static readonly string[] s_custom = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    private static readonly string[] s_single = ["create", "delete", "get", "list", "patch", "update", "watch"];
    private static readonly string[] s_create = ["create"];
    private static readonly string[] s_ending = ["delete", "deletecollection", "get", "list", "watch"];

    /// <summary>Of a kind whose definition is on its way out those that take away; of Namespaces all but <c>deletecollection</c> (upstream: their storage has none).
    /// In upstream's order: those of built-in kinds are sorted, those of a definition's are not (apiextensions-apiserver: customresource_discovery_controller.go).</summary>
    public static IReadOnlyList<string> Of(ResourceKind kind) =>
        kind.Shape is { IsTerminating: true } ? s_ending
        : kind == Kinds.Binding || AccessKinds.Reviews.Contains(kind) ? s_create
        : kind == Kinds.Namespace ? s_single
        : kind.IsCustom ? s_custom
        : s_all;
}
