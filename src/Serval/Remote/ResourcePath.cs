using Serval.Api;

namespace Serval.Remote;

/// <summary>URL paths of the Kubernetes API.</summary>
internal static class ResourcePath
{
    public static string Of(ResourceKind kind, string? ns = null, string? name = null, string? subresource = null, params IEnumerable<(string Key, string Value)> query)
    {
        var path = kind.Group.Length == 0 ? $"/api/{kind.Version}" : $"/apis/{kind.Group}/{kind.Version}";
        if (kind.Namespaced && !string.IsNullOrEmpty(ns))
        {
            path += $"/namespaces/{Uri.EscapeDataString(ns)}";
        }
        path += "/" + kind.Plural;
        if (!string.IsNullOrEmpty(name))
        {
            path += "/" + Uri.EscapeDataString(name);
        }
        if (!string.IsNullOrEmpty(subresource))
        {
            path += "/" + subresource;
        }
        var pairs = string.Join('&', query.Where(q => q.Value.Length > 0).Select(q => $"{q.Key}={Uri.EscapeDataString(q.Value)}"));
        return pairs.Length == 0 ? path : $"{path}?{pairs}";
    }
}
