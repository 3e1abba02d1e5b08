using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>The quality of service of a pod (kubernetes pkg/apis/core/v1/helper/qos), from what its containers, defaulted, ask for of cpu and memory.</summary>
public static class PodQos
{
    private static readonly string[] s_counted = ["cpu", "memory"];

    /// <returns>
    /// <c>BestEffort</c> when no container asks for anything or limits anything, <c>Guaranteed</c> when each has limits of both and asks for as
    /// much, else <c>Burstable</c>. An amount of 0 is none.
    /// </returns>
    public static string Of(JsonObject? spec)
    {
        var amounts = spec.Objects("containers").Concat(spec.Objects("initContainers")).Select(c => c.Item.Object("resources"))
            .SelectMany(r => s_counted.Select(name => (Request: Amount(r, "requests", name), Limit: Amount(r, "limits", name)))).ToList();
        return amounts.TrueForAll(a => a.Request.IsZero && a.Limit.IsZero) ? "BestEffort"
            : amounts.TrueForAll(a => !a.Limit.IsZero && a.Request == a.Limit) ? "Guaranteed"
            : "Burstable";
    }

    private static Quantity Amount(JsonObject? resources, string list, string name) =>
        Amounts.TryRead(resources.Object(list)?[name], out var amount) ? amount : default;
}
