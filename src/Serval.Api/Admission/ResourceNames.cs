using System.Collections.Frozen;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Names of what can be limited and counted (kubernetes pkg/apis/core/helper; pkg/apis/core/validation: validateResourceName and its kin).</summary>
internal static class ResourceNames
{
    private const string HugePages = "hugepages-";

    private static readonly FrozenSet<string> s_whole = FrozenSet.ToFrozenSet(
    [
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    ], StringComparer.Ordinal);

    private static readonly FrozenSet<string> s_amounts = FrozenSet.ToFrozenSet(
    [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage",
    ], StringComparer.Ordinal);

    /// <summary>Whether it is counted in whole numbers.</summary>
    public static bool IsWhole(string name) => s_whole.Contains(name) || IsExtended(name);

    /// <summary>Whether a pod may be limited to more of it than it asks for.</summary>
    public static bool MayOvercommit(string name) => IsNative(name) && !IsHugePages(name);

    /// <summary>Memory in pages of a size that the name ends with.</summary>
    public static bool IsHugePages(string name) => name.StartsWith(HugePages, StringComparison.Ordinal);

    /// <summary>Whether an amount is a number of such pages (IsHugePageResourceValueDivisible).</summary>
    public static bool IsPages(string name, Quantity amount) =>
        Quantity.TryParse(name[HugePages.Length..], out var size) && size is { IsWhole: true, Value: > 0 } && amount.Value % size.Value == 0;

    /// <summary>A resource of any kind.</summary>
    public static void Check(string path, string name, Problems to)
    {
        var wrong = Names.QualifiedNameProblems(name);
        foreach (var problem in wrong)
        {
            to.InvalidText(path, name, problem);
        }
        if (wrong.Count == 0 && !name.Contains('/', StringComparison.Ordinal) && !IsCounted(name) && name != "storage")
        {
            to.InvalidText(path, name, "must be a standard resource type or fully qualified");
        }
    }

    /// <summary>A resource that a quota may bound.</summary>
    public static void CheckQuota(string path, string name, Problems to)
    {
        Check(path, name, to);
        if (!name.Contains('/', StringComparison.Ordinal) && !IsCounted(name))
        {
            to.InvalidText(path, name, "must be a standard resource for quota");
        }
    }

    /// <summary>A resource that a container may ask for.</summary>
    public static void CheckContainer(string path, string name, Problems to)
    {
        if (name is "cpu" or "memory")
        {
            return; // nearly always
        }
        Check(path, name, to);
        if (!name.Contains('/', StringComparison.Ordinal))
        {
            if (name is not ("cpu" or "memory" or "ephemeral-storage") && !IsHugePages(name))
            {
                to.InvalidText(path, name, "must be a standard resource for containers");
            }
        }
        else if (!IsNative(name) && !IsExtended(name))
        {
            to.InvalidText(path, name, "doesn't follow extended resource name standard");
        }
    }

    /// <summary>A resource that the containers of a pod may be given together.</summary>
    public static void CheckPod(string path, string name, Problems to)
    {
        var known = to.List.Count;
        Check(path, name, to);
        if (to.List.Count == known && name is not ("cpu" or "memory") && !IsHugePages(name))
        {
            to.Unsupported(path, name, "cpu", HugePages, "memory");
        }
    }

    private static bool IsCounted(string name) => s_whole.Contains(name) || s_amounts.Contains(name) || IsHugePages(name)
        || name.StartsWith("requests." + HugePages, StringComparison.Ordinal);

    private static bool IsNative(string name) => !name.Contains('/', StringComparison.Ordinal) || name.Contains("kubernetes.io/", StringComparison.Ordinal);

    private static bool IsExtended(string name) => !IsNative(name) && !name.StartsWith("requests.", StringComparison.Ordinal) && Names.QualifiedName("requests." + name) is null;
}
