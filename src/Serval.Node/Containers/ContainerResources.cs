using System.Globalization;
using System.Text.Json;
using Serval.Api.Core;

namespace Serval.Node.Containers;

/// <summary>What <c>resourceFieldRef</c> asks for: a container's limits and requests; an unset limit is what the node has.</summary>
internal static class ContainerResources
{
    public static string Value(Pod pod, Container self, ResourceFieldSelector selector)
    {
        var container = selector.ContainerName.Length == 0
            ? self
            : pod.Spec.Containers.Concat(pod.Spec.InitContainers).FirstOrDefault(c => c.Name == selector.ContainerName)
                ?? throw new ContainerConfigException($"resourceFieldRef: container \"{selector.ContainerName}\" not found in the pod");
        var (kind, resource) = selector.Resource.Split('.', 2) is [var k, var r] ? (k, r) : ("", "");
        var set = kind == "limits" ? container.Resources.Limits : container.Resources.Requests;
        var amount = set.TryGetValue(resource, out var element) ? Number(element) : null;
        amount ??= kind == "limits" ? Capacity(resource) : 0;
        var divisor = Number(selector.Divisor) is > 0 and var d ? d : 1;
        return kind is "limits" or "requests" && amount is { } value
            ? Math.Ceiling(value / divisor).ToString("0", CultureInfo.InvariantCulture)
            : throw new ContainerConfigException($"unsupported container resource: {selector.Resource}");
    }

    /// <summary>A quantity as a number, or null when it is absent or not one.</summary>
    public static decimal? Number(JsonElement? element)
    {
        var text = element switch
        {
            { ValueKind: JsonValueKind.String } s => s.GetString(),
            { ValueKind: JsonValueKind.Number } n => n.GetRawText(),
            _ => null,
        };
        return Quantity.TryParse(text, out var quantity) ? quantity.MilliValue / 1000m : null;
    }

    /// <summary>What the node has of a resource, or null when it does not know it.</summary>
    public static decimal? Capacity(string resource) => resource switch
    {
        "cpu" => Environment.ProcessorCount,
        "memory" => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        "ephemeral-storage" => 0,
        _ => null,
    };
}
