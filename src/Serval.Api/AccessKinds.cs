namespace Serval.Api;

/// <summary>The kinds about who may do what.</summary>
public static class AccessKinds
{
    public const string RbacGroup = "rbac.authorization.k8s.io";

    public static readonly ResourceKind Role = Stored("Role", "roles");

    public static readonly ResourceKind RoleBinding = Stored("RoleBinding", "rolebindings");

    public static readonly ResourceKind ClusterRole = Stored("ClusterRole", "clusterroles", namespaced: false);

    public static readonly ResourceKind ClusterRoleBinding = Stored("ClusterRoleBinding", "clusterrolebindings", namespaced: false);

    /// <summary>Questions: what is created is answered and not kept. They are not among <see cref="Kinds.All"/>.</summary>
    public static readonly IReadOnlyList<ResourceKind> Reviews =
    [
        Review("authentication.k8s.io", "SelfSubjectReview"),
        Review("authorization.k8s.io", "SelfSubjectAccessReview"),
        Review("authorization.k8s.io", "SelfSubjectRulesReview"),
    ];

    /// <summary>The review of an object's <c>apiVersion</c> and <c>kind</c>, or null.</summary>
    public static ResourceKind? FindReview(string apiVersion, string kind) => Reviews.FirstOrDefault(k => k.Kind == kind && k.ApiVersion == apiVersion);

    private static ResourceKind Stored(string kind, string plural, bool namespaced = true) => new()
    {
        Group = RbacGroup, Version = "v1", Kind = kind, Plural = plural, Namespaced = namespaced, HasStatus = false, HasGeneration = false,
    };

    private static ResourceKind Review(string group, string kind, bool namespaced = false) => new()
    {
        Group = group, Version = "v1", Kind = kind, Plural = kind.ToLowerInvariant() + "s", Namespaced = namespaced, HasStatus = false, HasGeneration = false,
    };
}
