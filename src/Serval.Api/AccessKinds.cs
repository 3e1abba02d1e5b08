namespace Serval.Api;

/// <summary>The kinds about who may do what.</summary>
public static class AccessKinds
{
    public const string RbacGroup = "rbac.authorization.k8s.io";

    public static readonly ResourceKind Role = Stored("Role", "roles");

    public static readonly ResourceKind RoleBinding = Stored("RoleBinding", "rolebindings");

    public static readonly ResourceKind ClusterRole = Stored("ClusterRole", "clusterroles", namespaced: false);

    public static readonly ResourceKind ClusterRoleBinding = Stored("ClusterRoleBinding", "clusterrolebindings", namespaced: false);

    /// <summary>Asked of a ServiceAccount: <c>serviceaccounts/NAME/token</c>.</summary>
    public static readonly ResourceKind TokenRequest = Review("authentication.k8s.io", "TokenRequest", namespaced: true);

    /// <summary>Questions: what is created is answered and not kept. They are not among <see cref="Kinds.All"/>.</summary>
    public static readonly IReadOnlyList<ResourceKind> Reviews =
    [
        Review("authentication.k8s.io", "SelfSubjectReview"),
        Review("authentication.k8s.io", "TokenReview"),
        Review("authorization.k8s.io", "LocalSubjectAccessReview", namespaced: true),
        Review("authorization.k8s.io", "SelfSubjectAccessReview"),
        Review("authorization.k8s.io", "SelfSubjectRulesReview"),
        Review("authorization.k8s.io", "SubjectAccessReview"),
    ];

    /// <summary>The review, or the request for a token, of an object's <c>apiVersion</c> and <c>kind</c>, or null.</summary>
    public static ResourceKind? FindReview(string apiVersion, string kind) => Reviews.Append(TokenRequest).FirstOrDefault(k => k.Kind == kind && k.ApiVersion == apiVersion);

    /// <summary>The review behind a path, or null.</summary>
    public static ResourceKind? FindReviews(string group, string version, string plural) =>
        Reviews.FirstOrDefault(k => k.Plural == plural && k.Group == group && k.Version == version);

    private static ResourceKind Stored(string kind, string plural, bool namespaced = true) => new()
    {
        Group = RbacGroup, Version = "v1", Kind = kind, Plural = plural, Namespaced = namespaced, HasStatus = false, HasGeneration = false,
    };

    private static ResourceKind Review(string group, string kind, bool namespaced = false) => new()
    {
        Group = group, Version = "v1", Kind = kind, Plural = kind.ToLowerInvariant() + "s", Namespaced = namespaced, HasStatus = false, HasGeneration = false,
    };
}
