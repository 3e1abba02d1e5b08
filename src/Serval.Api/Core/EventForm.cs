using System.Text.Json.Nodes;

namespace Serval.Api.Core;

/// <summary>Events as events.k8s.io/v1 names the fields of those of core/v1 (kubernetes pkg/apis/events/v1/conversion.go).</summary>
internal sealed class EventForm : IStoredForm
{
    private static readonly (string Kept, string Shown)[] s_names =
    [
        ("message", "note"), ("involvedObject", "regarding"), ("reportingComponent", "reportingController"), ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ];

    public KubeObject Read(KubeObject stored) => stored.With(static tree =>
    {
        tree["apiVersion"] = "events.k8s.io/v1";
        foreach (var (kept, shown) in s_names)
        {
            Rename(tree, kept, shown);
        }
        foreach (var name in (ReadOnlySpan<string>)["reportingController", "reportingInstance"])
        {
            if ((string?)tree[name] is "")
            {
                tree.Remove(name); // never left out of the kept ones
            }
        }
    });

    public KubeObject Write(KubeObject shown) => shown.With(static tree =>
    {
        tree["apiVersion"] = "v1";
        foreach (var (kept, shown) in s_names)
        {
            Rename(tree, shown, kept);
        }
    });

    private static void Rename(JsonObject tree, string from, string to)
    {
        if (tree.Remove(from, out var value))
        {
            tree[to] = value;
        }
    }
}
