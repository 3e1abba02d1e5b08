using Serval.Api.Access;

namespace Serval.ApiServer.Access;

/// <summary>Whether a rule allows a request (kubernetes pkg/apis/rbac/v1/evaluation_helpers.go). Allocates nothing.</summary>
internal static class RuleMatch
{
    private const string Everything = "*";

    public static bool Allows(this PolicyRule rule, in RequestInfo request) =>
        Holds(rule.Verbs, request.Verb) && (request.IsResource
            ? Holds(rule.ApiGroups, request.Group) && HasResource(rule.Resources, request)
              && (rule.ResourceNames.Count == 0 || IsIn(rule.ResourceNames, request.Name))
            : HasPath(rule.NonResourceUrls, request.Path));

    private static bool Holds(IReadOnlyList<string> allowed, string asked)
    {
        for (var i = 0; i < allowed.Count; i++)
        {
            if (allowed[i] == Everything || allowed[i] == asked)
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsIn(IReadOnlyList<string> names, string name)
    {
        for (var i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
            {
                return true;
            }
        }
        return false;
    }

    private static bool HasResource(IReadOnlyList<string> resources, in RequestInfo request)
    {
        for (var i = 0; i < resources.Count; i++)
        {
            if (IsResource(resources[i], request.Resource, request.Subresource))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>A plain <c>pods</c> does not mean its subresources; <c>*/scale</c> means that of everything.</summary>
    private static bool IsResource(string rule, string resource, string subresource) =>
        rule == Everything || (subresource.Length == 0
            ? rule == resource
            : rule.Length > subresource.Length + 1 && rule[^(subresource.Length + 1)] == '/' && rule.EndsWith(subresource, StringComparison.Ordinal)
              && rule.AsSpan(0, rule.Length - subresource.Length - 1) is var owner && (owner is Everything || owner.SequenceEqual(resource)));

    private static bool HasPath(IReadOnlyList<string> urls, string path)
    {
        for (var i = 0; i < urls.Count; i++)
        {
            var url = urls[i];
            if (url == path || (url.EndsWith('*') && path.AsSpan().StartsWith(url.AsSpan().TrimEnd('*'), StringComparison.Ordinal)))
            {
                return true;
            }
        }
        return false;
    }
}
