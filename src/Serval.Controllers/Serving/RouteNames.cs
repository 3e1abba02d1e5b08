using Serval.Api;
using Serval.Api.Serving;

namespace Serval.Controllers.Serving;

/// <summary>The routes that a Revision or a Configuration carries: annotation <c>serving.knative.dev/routes</c>, names between commas.</summary>
internal static class RouteNames
{
    /// <summary>The names, sorted; none when there is no annotation.</summary>
    internal static IReadOnlyList<string> Of(KubeObject? obj) => obj?.Metadata.Annotation(KnativeNames.RoutesAnnotation) is not { Length: > 0 } text
        ? []
        : text.Contains(',', StringComparison.Ordinal) ? [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal)] : [text];

    /// <summary>What the annotation says with <paramref name="route"/> among the names, or without it; empty when no name is left.</summary>
    internal static string With(KubeObject? obj, string route, bool named = true)
    {
        var others = Of(obj).Where(n => n != route);
        return string.Join(',', named ? others.Append(route).Order(StringComparer.Ordinal) : others);
    }
}
