using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>How long a pod stays on a node that is not ready, or not reached, unless it says so itself (kubernetes plugin/pkg/admission/defaulttolerationseconds).</summary>
public static class PodTolerations
{
    private const int Seconds = 300;

    public static void Add(JsonObject pod)
    {
        var spec = pod.Ensure("spec");
        foreach (var key in (ReadOnlySpan<string>)["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            if (!Tolerates(spec, key))
            {
                var toleration = new JsonObject { ["effect"] = "NoExecute", ["key"] = key, ["operator"] = "Exists", ["tolerationSeconds"] = Seconds };
                spec["tolerations"] = new JsonArray([.. (spec.Array("tolerations") ?? []).Select(t => t?.DeepClone()), toleration]);
            }
        }
    }

    private static bool Tolerates(JsonObject spec, string key) => spec.Objects("tolerations").Any(t =>
        (t.Item.String("key").Length == 0 || t.Item.String("key") == key) && t.Item.String("effect") is "" or "NoExecute");
}
