using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// The subresources of a pod that change a part of its spec: <c>ephemeralcontainers</c> and <c>resize</c> (kubernetes pkg/registry/core/pod/strategy.go
/// and pkg/apis/core/validation, ValidatePodEphemeralContainersUpdate, ValidatePodResize).
/// </summary>
public static class PodDoors
{
    public const string Ephemeral = "ephemeralcontainers";
    public const string Resize = "resize";

    private const string List = "ephemeralContainers";
    private const string OnlyAmounts = "only cpu and memory resources are mutable";

    private static readonly string[] s_lists = ["containers", "initContainers"];
    private static readonly string[] s_amounts = ["requests", "limits"];

    // What keeps a program alive, or others count on.
    private static readonly string[] s_notEphemeral =
        ["ports", "resources", "livenessProbe", "readinessProbe", "lifecycle", "startupProbe", "resizePolicy", "restartPolicy", "restartPolicyRules"];

    /// <summary>Whether a write through this subresource of a pod is one of the spec, defaulted and judged as such.</summary>
    public static bool IsSpec(string subresource) => subresource is Ephemeral or Resize;

    /// <summary>The stored pod with the part of its spec that the subresource lets through.</summary>
    /// <param name="before">The stored pod.</param>
    /// <param name="incoming">The pod as a client would have it.</param>
    /// <param name="subresource">One of <see cref="IsSpec"/>.</param>
    public static JsonObject Through(JsonObject before, JsonObject incoming, string subresource)
    {
        var tree = before.DeepClone().AsObject();
        var (spec, wanted) = (tree.Ensure("spec"), incoming.Object("spec"));
        if (subresource == Ephemeral)
        {
            Take(spec, wanted, List);
            return tree;
        }
        if (s_lists.Any(list => (spec.Array(list)?.Count ?? 0) != (wanted.Array(list)?.Count ?? 0)))
        {
            tree["spec"] = wanted?.DeepClone(); // no resize; the rules say so
            return tree;
        }
        foreach (var list in s_lists)
        {
            if (!spec.Objects(list).Select(c => c.Item.String("name")).SequenceEqual(wanted.Objects(list).Select(c => c.Item.String("name")), StringComparer.Ordinal))
            {
                Take(spec, wanted, list);
                continue;
            }
            foreach (var ((_, container), (_, next)) in spec.Objects(list).Zip(wanted.Objects(list)))
            {
                Take(container, next, "resources");
                Take(container, next, "resizePolicy");
            }
        }
        return tree;
    }

    internal static void CheckEphemeral(JsonObject? spec, JsonObject? before, Problems to)
    {
        var others = s_lists.SelectMany(list => spec.Objects(list)).Select(c => c.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        foreach (var (i, container) in spec.Objects(List))
        {
            var at = $"spec.{List}[{i}]";
            if (container.String("targetContainerName") is { Length: > 0 } target && !others.Contains(target))
            {
                to.NotFound($"{at}.targetContainerName", target);
            }
            foreach (var field in s_notEphemeral.Where(f => container[f] is { } value and not JsonObject { Count: 0 } and not JsonArray { Count: 0 }))
            {
                to.Forbidden($"{at}.{field}", "cannot be set for an Ephemeral Container");
            }
            foreach (var (j, mount) in container.Objects("volumeMounts"))
            {
                foreach (var field in ((string[])["subPath", "subPathExpr"]).Where(f => mount.String(f).Length > 0))
                {
                    to.Forbidden($"{at}.volumeMounts[{j}].{field}", "cannot be set for an Ephemeral Container");
                }
            }
        }
        foreach (var (_, old) in before.Objects(List))
        {
            var name = old.String("name");
            var now = spec.Objects(List).Select(c => c.Item).FirstOrDefault(c => c.String("name") == name);
            if (now is null)
            {
                to.Forbidden($"spec.{List}", $"existing ephemeral containers \"{name}\" may not be removed\n");
            }
            else if (TreeDiff.Describe(old, now) is { Length: > 0 } changes)
            {
                to.Forbidden($"spec.{List}", $"existing ephemeral containers \"{name}\" may not be changed\n{changes.TrimEnd()}");
            }
        }
    }

    internal static void CheckResize(JsonObject pod, JsonObject old, Problems to)
    {
        var (spec, before) = (pod.Object("spec"), old.Object("spec"));
        if (PodQos.Of(spec) != old.Object("status").String("qosClass"))
        {
            to.InvalidText("spec", old.Object("status").String("qosClass"), "Pod QOS Class may not change as a result of resizing");
        }
        if (old.Object("status").Objects("containerStatuses").Select(c => c.Item).FirstOrDefault(c => c.Object("state").Has("running")) is { } running && !running.Has("resources"))
        {
            to.Forbidden("spec", "Pod running on node without support for resize");
        }
        if (!IsSameOrder(spec, before, to))
        {
            return;
        }
        foreach (var list in (string[])["initContainers", "containers"])
        {
            foreach (var ((i, container), (_, was)) in spec.Objects(list).Zip(before.Objects(list)))
            {
                Container(container, was, list, i, to);
            }
        }
    }

    private static void Container(JsonObject container, JsonObject was, string list, int i, Problems to)
    {
        if (list == "initContainers" && container.String("restartPolicy") != "Always")
        {
            if (!TreeDiff.Same(was, container))
            {
                to.Forbidden("spec", "resources for non-sidecar init containers are immutable");
            }
            return;
        }
        foreach (var amounts in s_amounts)
        {
            var (now, then) = (container.Object("resources").Object(amounts), was.Object("resources").Object(amounts));
            if ((then ?? []).Any(a => now?[a.Key] is null))
            {
                to.Forbidden($"spec.{list}[{i}].resources.{amounts}", $"resource {amounts} cannot be removed");
            }
        }
        if (TreeDiff.Describe(WithoutAmounts(was), WithoutAmounts(container)).Length == 0)
        {
            return;
        }
        if (list == "containers")
        {
            to.Forbidden("spec", OnlyAmounts);
        }
        else
        {
            to.Forbidden($"spec.{list}[{i}]", "only cpu and memory resources for sidecar containers are mutable");
        }
    }

    private static JsonObject WithoutAmounts(JsonObject container)
    {
        var copy = container.DeepClone().AsObject();
        foreach (var amounts in s_amounts)
        {
            copy.Object("resources").Object(amounts)?.Remove("cpu");
            copy.Object("resources").Object(amounts)?.Remove("memory");
        }
        return copy;
    }

    private static bool IsSameOrder(JsonObject? spec, JsonObject? before, Problems to)
    {
        var same = true;
        foreach (var list in s_lists)
        {
            if ((spec.Array(list)?.Count ?? 0) != (before.Array(list)?.Count ?? 0))
            {
                to.Forbidden($"spec.{list}", $"{list} may not be added or removed on resize");
                same = false;
                continue;
            }
            foreach (var ((i, container), (_, was)) in spec.Objects(list).Zip(before.Objects(list)))
            {
                if (container.String("name") != was.String("name"))
                {
                    to.Forbidden($"spec.{list}[{i}].name", $"{list} may not be renamed or reordered on resize");
                    same = false;
                }
            }
        }
        return same;
    }

    private static void Take(JsonObject target, JsonObject? source, string field)
    {
        target.Remove(field);
        if (source?[field] is { } value)
        {
            target[field] = value.DeepClone();
        }
    }
}
