using System.Globalization;
using System.Text.Json;
using Serval.Api.Core;
using Serval.Node.Containers;

namespace Serval.Node.Resources;

/// <summary>What a container's resources mean to the kernel. Null is not set.</summary>
/// <param name="Shares">CPU weight as cgroup v1 has it, from requests.</param>
/// <param name="Quota">CPU time in microseconds of each 100 ms, from limits.</param>
/// <param name="Memory">Bytes, from limits.</param>
internal sealed record GroupLimits(long? Shares, long? Quota, long? Memory)
{
    private const long Period = 100_000;
    private const long LeastQuota = 1000;
    private const int LeastShares = 2;
    internal const int MostShares = 262_144;

    /// <summary>Whether anything is set.</summary>
    public bool Any => this is not { Shares: null, Quota: null, Memory: null };

    /// <summary>Numbers are kubelet's (pkg/kubelet/cm, MilliCPUToShares and MilliCPUToQuota).</summary>
    public static GroupLimits Of(Container container)
    {
        var (limits, requests) = (container.Resources.Limits, container.Resources.Requests);
        var cpu = Milli(limits);
        return new GroupLimits(
            (Milli(requests) ?? cpu) is { } asked ? Math.Clamp(asked * 1024 / 1000, LeastShares, MostShares) : null,
            cpu is { } most ? Math.Max(most * (Period / 1000), LeastQuota) : null,
            Amount(limits, "memory") is { } bytes ? (long)Math.Min(decimal.Ceiling(bytes), long.MaxValue) : null);
    }

    /// <summary>Files of cgroup v1: controller, name, value (Documentation/admin-guide/cgroup-v1). Swap is not to be had, as with kubelet.</summary>
    public IEnumerable<GroupSetting> Version1()
    {
        if (Shares is { } shares)
        {
            yield return new("cpu", "cpu.shares", Text(shares));
        }
        if (Quota is { } quota)
        {
            yield return new("cpu", "cpu.cfs_period_us", Text(Period));
            yield return new("cpu", "cpu.cfs_quota_us", Text(quota));
        }
        if (Memory is { } memory)
        {
            yield return new("memory", "memory.limit_in_bytes", Text(memory));
            yield return new("memory", "memory.memsw.limit_in_bytes", Text(memory), Optional: true);
        }
    }

    /// <summary>Files of cgroup v2 (Documentation/admin-guide/cgroup-v2). The weight is that of KEP-2254: shares 2…262144 become 1…10000.</summary>
    public IEnumerable<GroupSetting> Version2()
    {
        if (Shares is { } shares)
        {
            yield return new("", "cpu.weight", Text(1 + ((shares - LeastShares) * 9999 / (MostShares - LeastShares))));
        }
        if (Quota is { } quota)
        {
            yield return new("", "cpu.max", $"{Text(quota)} {Text(Period)}");
        }
        if (Memory is { } memory)
        {
            yield return new("", "memory.max", Text(memory));
            yield return new("", "memory.swap.max", "0", Optional: true);
            yield return new("", "memory.oom.group", "1", Optional: true);
        }
    }

    private static long? Milli(IReadOnlyDictionary<string, JsonElement> of) =>
        Amount(of, "cpu") is { } cores ? (long)Math.Min(decimal.Ceiling(cores * 1000), MostShares * 1000) : null;

    private static decimal? Amount(IReadOnlyDictionary<string, JsonElement> of, string resource) =>
        of.TryGetValue(resource, out var amount) && ContainerResources.Number(amount) is > 0 and var number ? number : null;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One line for the kernel.</summary>
/// <param name="Controller">Whose; empty where all have one tree.</param>
/// <param name="File">The file's name.</param>
/// <param name="Value">What is written.</param>
/// <param name="Optional">Whether the kernel may lack it.</param>
internal readonly record struct GroupSetting(string Controller, string File, string Value, bool Optional = false);
