using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// What containers ask for and are limited to (kubernetes pkg/apis/core/validation: validateResourceRequirements, validateResizePolicy, validatePodResourceClaims).
/// </summary>
internal static class PodResourceRules
{
    private const string Whole = "must be an integer";

    /// <summary>The pod's own: its claims, its overhead, and what all containers have together.</summary>
    /// <param name="spec">The pod's.</param>
    /// <param name="before">The stored pod's, on an update: what is as it was is not judged again.</param>
    /// <param name="path">Path of the spec.</param>
    /// <param name="to">Gets what is wrong.</param>
    public static void Pod(JsonObject? spec, JsonObject? before, string path, Problems to)
    {
        if (IsNew(spec, before, "resources"))
        {
            Together(spec, $"{path}.resources", to);
        }
        if (IsNew(spec, before, "overhead"))
        {
            Amounts(new JsonObject { ["limits"] = spec.Object("overhead")?.DeepClone() }, $"{path}.overhead", ResourceNames.CheckContainer, to);
        }
        if (IsNew(spec, before, "resourceClaims"))
        {
            PodClaims(spec, $"{path}.resourceClaims", to);
        }
    }

    /// <param name="container">The container.</param>
    /// <param name="before">The stored one of that name, on an update: what is as it was is not judged again.</param>
    /// <param name="pod">The spec it is in.</param>
    /// <param name="path">Path to it.</param>
    /// <param name="to">Gets what is wrong.</param>
    public static void Container(JsonObject container, JsonObject? before, JsonObject? pod, string path, Problems to)
    {
        if (IsNew(container, before, "resources"))
        {
            var resources = container.Object("resources");
            Amounts(resources, $"{path}.resources", ResourceNames.CheckContainer, to);
            if (resources.Array("claims") is { Count: > 0 } claims)
            {
                Claims(claims, pod, $"{path}.resources.claims", to);
            }
        }
        if (IsNew(container, before, "resizePolicy"))
        {
            Resizes(container, $"{path}.resizePolicy", pod.String("restartPolicy") == "Never", to);
        }
    }

    /// <summary>An init container that ends is not started anew for its resize.</summary>
    public static void Initial(JsonObject container, JsonObject? before, string path, Problems to)
    {
        if (IsNew(container, before, "resizePolicy"))
        {
            foreach (var (i, _) in container.Objects("resizePolicy").Where(p => p.Item.String("restartPolicy") == "RestartContainer"))
            {
                to.InvalidText($"{path}.resizePolicy[{i}].restartPolicy", "RestartContainer", "must not be set to 'RestartContainer' for non-sidecar initContainers");
            }
        }
    }

    // validatePodResources, without the sums of the containers
    private static void Together(JsonObject? spec, string path, Problems to)
    {
        var resources = spec.Object("resources");
        if (spec.Object("os").String("name") == "windows")
        {
            to.Forbidden(path, "may not be set for a windows pod");
            return;
        }
        if (resources.Has("claims"))
        {
            to.Forbidden($"{path}.claims", "claims may not be set for Resources at pod-level");
        }
        Amounts(resources, path, ResourceNames.CheckPod, to);
        if (resources.Array("claims") is { Count: > 0 } claims)
        {
            Claims(claims, spec, $"{path}.claims", to);
        }
    }

    private static bool IsNew(JsonObject? owner, JsonObject? before, string field) =>
        owner?[field] is { } value and not JsonObject { Count: 0 } and not JsonArray { Count: 0 } && (before is null || !TreeDiff.Same(before[field], value));

    private static void Amounts(JsonObject? resources, string path, Action<string, string, Problems> name, Problems to)
    {
        var (limits, requests) = (resources.Object("limits"), resources.Object("requests"));
        var (huge, basic) = (false, false);
        if (limits is not null)
        {
            foreach (var (resource, value) in limits)
            {
                One(resource, value, $"{path}.limits[{resource}]", "", name, to);
                huge |= ResourceNames.IsHugePages(resource);
                basic |= resource is "cpu" or "memory";
            }
        }
        if (requests is not null)
        {
            foreach (var (resource, value) in requests)
            {
                One(resource, value, $"{path}.requests[{resource}]", path, name, to, limits);
                huge |= ResourceNames.IsHugePages(resource);
                basic |= resource is "cpu" or "memory";
            }
        }
        if (huge && !basic)
        {
            to.Forbidden(path, "HugePages require cpu or memory");
        }
    }

    /// <param name="resource">Its name.</param>
    /// <param name="value">How much.</param>
    /// <param name="at">Path to it.</param>
    /// <param name="of">Path of requests and limits when it is a request; else empty.</param>
    /// <param name="name">The rule of its name.</param>
    /// <param name="to">Gets what is wrong.</param>
    /// <param name="limits">What a request is held against.</param>
    private static void One(string resource, JsonNode? value, string at, string of, Action<string, string, Problems> name, Problems to, JsonObject? limits = null)
    {
        name(at, resource, to);
        if (!Admission.Amounts.TryRead(value, out var amount))
        {
            to.InvalidText(at, Admission.Amounts.Text(value), "must be a quantity such as 500m or 128Mi");
            return;
        }
        if (amount.IsNegative)
        {
            to.InvalidText(at, Admission.Amounts.Text(value), "must be greater than or equal to 0");
        }
        if (!amount.IsWholeInMilli && ResourceNames.IsWhole(resource))
        {
            to.InvalidText(at, amount.ToString(), Whole);
        }
        if (of.Length > 0)
        {
            Request(resource, amount, of, limits, to);
        }
        if (ResourceNames.IsHugePages(resource) && !ResourceNames.IsPages(resource, amount))
        {
            to.InvalidText(at, amount.ToString(), $"{amount} is not positive integer multiple of {resource}");
        }
    }

    private static void Request(string resource, Quantity amount, string path, JsonObject? limits, Problems to)
    {
        if (Admission.Amounts.TryRead(limits?[resource], out var limit))
        {
            if (amount != limit && !ResourceNames.MayOvercommit(resource))
            {
                to.InvalidText($"{path}.requests", amount.ToString(), $"must be equal to {resource} limit of {limit}");
            }
            else if (amount > limit)
            {
                to.InvalidText($"{path}.requests", amount.ToString(), $"must be less than or equal to {resource} limit of {limit}");
            }
        }
        else if (!ResourceNames.MayOvercommit(resource))
        {
            to.Required($"{path}.limits", "Limit must be set for non overcommitable resources");
        }
    }

    // validateResourceClaimNames
    private static void Claims(JsonArray claims, JsonObject? pod, string path, Problems to)
    {
        var names = pod.Objects("resourceClaims").Select(static c => c.Item.String("name")).Order(StringComparer.Ordinal).ToList();
        var known = names.ToHashSet(StringComparer.Ordinal);
        var all = names.Count == 0 ? " which is empty" : TextLimit.Ellipsis($": {string.Join(", ", names)}", TextLimit.Path); // each claim that is not there tells all of them
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var parts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (i, item) in claims.Index())
        {
            var (name, request, at) = ((item as JsonObject).String("name"), (item as JsonObject).String("request"), $"{path}[{i}]");
            if (name.Length == 0)
            {
                to.Required(at);
                continue;
            }
            OnceClaimed(name, request, at, seen, parts, to);
            if (!known.Contains(name))
            {
                to.NotFound(at, name, $"must be one of the names in pod.spec.resourceClaims{all}");
            }
        }
    }

    // All of a claim, or some requests of it, each once.
    private static void OnceClaimed(string name, string request, string at, HashSet<string> seen, Dictionary<string, int> parts, Problems to)
    {
        if (seen.Contains(name))
        {
            to.Duplicate(at, name);
            return;
        }
        if (request.Length > 0)
        {
            to.Check($"{at}.request", request, Names.Label);
        }
        else
        {
            for (var i = parts.GetValueOrDefault(name); i > 0; i--)
            {
                to.Duplicate(at, name);
            }
        }
        var key = request.Length == 0 ? name : $"{name}/{request}";
        if (!seen.Add(key))
        {
            to.Duplicate(at, key);
        }
        else if (request.Length > 0)
        {
            parts[name] = parts.GetValueOrDefault(name) + 1;
        }
    }

    private static void PodClaims(JsonObject? spec, string path, Problems to)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, claim) in spec.Objects("resourceClaims"))
        {
            var (name, at) = (claim.String("name"), $"{path}[{i}]");
            if (name.Length == 0)
            {
                to.Required($"{at}.name");
            }
            else if (!names.Add(name))
            {
                to.Duplicate($"{at}.name", name);
            }
            else
            {
                to.Check($"{at}.name", name, Names.Label);
            }
            if (claim.Has("resourceClaimName") == claim.Has("resourceClaimTemplateName"))
            {
                to.Invalid(at, Shown(claim), claim.Has("resourceClaimName")
                    ? "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified" : "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
            }
            foreach (var field in (ReadOnlySpan<string>)["resourceClaimName", "resourceClaimTemplateName"])
            {
                if (claim.Has(field))
                {
                    to.Check($"{at}.{field}", claim.String(field), Names.Subdomain);
                }
            }
        }
    }

    private static string Shown(JsonObject claim) => new JsonObject
    {
        ["Name"] = claim.String("name"),
        ["ResourceClaimName"] = claim["resourceClaimName"]?.DeepClone(),
        ["ResourceClaimTemplateName"] = claim["resourceClaimTemplateName"]?.DeepClone(),
    }.ToJsonString();

    private static void Resizes(JsonObject container, string path, bool never, Problems to)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, policy) in container.Objects("resizePolicy"))
        {
            var (resource, restart) = (policy.String("resourceName"), policy.String("restartPolicy"));
            if (!seen.Add(resource))
            {
                to.Duplicate($"{path}[{i}]", resource);
            }
            Choice(path, resource, to, "cpu", "memory");
            Choice(path, restart, to, "NotRequired", "RestartContainer");
            if (never && restart != "NotRequired")
            {
                to.InvalidText(path, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
            }
        }
    }

    private static void Choice(string path, string value, Problems to, params ReadOnlySpan<string> allowed)
    {
        if (value.Length == 0)
        {
            to.Required(path);
        }
        else if (!allowed.Contains(value))
        {
            to.Unsupported(path, value, allowed);
        }
    }
}
