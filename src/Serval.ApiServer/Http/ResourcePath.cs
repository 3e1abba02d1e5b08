using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>What a path below <c>/api/v1</c> or <c>/apis/group/version</c> names.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Namespace">Empty for cluster-scoped kinds and for lists over all namespaces.</param>
/// <param name="Name">Empty for the collection.</param>
/// <param name="Subresource">Empty for the object itself.</param>
internal readonly record struct ResourcePath(ResourceKind Kind, string Namespace, string Name, string Subresource)
{
    private const string Proxy = "proxy";

    public ObjectKey Key => new(Namespace, Name);

    /// <summary>Of <c>proxy</c>: the path that is asked of what is behind it, with its slash; empty when there is none.</summary>
    public string Below { get; init; } = "";

    public bool IsCollection => Name.Length == 0;

    /// <summary>Null when no served kind is named so.</summary>
    public static ResourcePath? Parse(string path, IKindSource kinds)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var found = parts switch
        {
            ["api", var version, .. var rest] when rest.Length > 0 => Parse(kinds, "", version, rest),
            ["apis", var group, var version, .. var rest] when rest.Length > 0 => Parse(kinds, group, version, rest),
            _ => null,
        };
        if (found is not { Subresource: Proxy } && path.Contains("//", StringComparison.Ordinal))
        {
            return null; // an empty step names nothing
        }
        return found is { Subresource: Proxy } proxied && path.EndsWith('/') && !proxied.Below.EndsWith('/') ? proxied with { Below = proxied.Below + "/" } : found;
    }

    private static ResourcePath? Parse(IKindSource kinds, string group, string version, string[] rest)
    {
        // namespaces/NAME/status is the namespace's status; namespaces/NAME/pods its pods.
        if (rest is ["namespaces", var ns, var plural, ..] && kinds.FindPlural(group, version, plural) is { Namespaced: true } inside)
        {
            return Of(inside, ns, rest.AsSpan(3));
        }
        return kinds.FindPlural(group, version, rest[0]) is { } kind && (!kind.Namespaced || rest.Length == 1)
            ? Of(kind, "", rest.AsSpan(1))
            : null;
    }

    private static ResourcePath? Of(ResourceKind kind, string ns, ReadOnlySpan<string> rest) => rest.Length switch
    {
        0 => new(kind, ns, "", ""),
        1 => new(kind, ns, rest[0], ""),
        2 => new(kind, ns, rest[0], rest[1]),
        > 2 when rest[1] == Proxy => new(kind, ns, rest[0], rest[1]) { Below = "/" + string.Join('/', rest[2..]!) },
        _ => null,
    };
}
