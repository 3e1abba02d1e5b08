using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Autoscaling;

/// <summary>
/// HorizontalPodAutoscalers as autoscaling/v1 shows those of autoscaling/v2: the utilization of cpu is a field, everything else is in annotations
/// (kubernetes pkg/apis/autoscaling/v1/conversion.go). An annotation that cannot be read is one of the user's.
/// </summary>
internal sealed class HpaV1Form : IStoredForm
{
    private const string Prefix = "autoscaling.alpha.kubernetes.io/";
    private const string Metrics = Prefix + "metrics";
    private const string CurrentMetrics = Prefix + "current-metrics";
    private const string Conditions = Prefix + "conditions";
    private const string Behavior = Prefix + "behavior";

    private const int DeepestAnnotation = 32;

    private static readonly string[] s_sources = ["resource", "containerResource", "pods", "object", "external"];

    public KubeObject Read(KubeObject stored) => stored.With(tree =>
    {
        tree["apiVersion"] = "autoscaling/v1";
        if (tree["spec"] is JsonObject spec)
        {
            var metrics = Items(Take(spec, "metrics"));
            var cpu = metrics.Find(static m => IsCpu(m));
            Put(spec, "targetCPUUtilizationPercentage", cpu?["resource"]?["target"]?["averageUtilization"]);
            Annotate(tree, Metrics, new JsonArray([.. metrics.Where(m => !IsCpu(m)).Select(m => Older(m, "target"))]));
            Annotate(tree, Behavior, Recased(Take(spec, "behavior"), char.ToUpperInvariant));
        }
        if (tree["status"] is JsonObject status)
        {
            var current = Items(Take(status, "currentMetrics"));
            Put(status, "currentCPUUtilizationPercentage", current.Find(IsCurrentCpu)?["resource"]?["current"]?["averageUtilization"]);
            Annotate(tree, CurrentMetrics, new JsonArray([.. current.Select(m => Older(m, "current"))]));
            Annotate(tree, Conditions, Take(status, "conditions"));
            status.TryAdd("currentReplicas", 0); // never left out here
        }
    });

    public KubeObject Write(KubeObject shown) => shown.With(tree =>
    {
        tree["apiVersion"] = "autoscaling/v2";
        var metrics = new JsonArray();
        if ((tree["spec"] as JsonObject)?.Remove("targetCPUUtilizationPercentage", out var target) == true && target is not null)
        {
            metrics.Add(Cpu("target", new JsonObject { ["type"] = "Utilization", ["averageUtilization"] = target.DeepClone() }));
        }
        foreach (var metric in Items(Annotated<JsonArray>(tree, Metrics)))
        {
            metrics.Add((JsonNode)Newer(metric, "target"));
        }
        Put(tree["spec"] as JsonObject, "metrics", metrics);
        Put(tree["spec"] as JsonObject, "behavior", Recased(Annotated<JsonObject>(tree, Behavior), char.ToLowerInvariant));
        var status = tree["status"] as JsonObject;
        var current = new JsonArray([.. Items(Annotated<JsonArray>(tree, CurrentMetrics)).Select(m => Newer(m, "current"))]);
        if (status?.Remove("currentCPUUtilizationPercentage", out var used) == true && used is not null && current.Count == 0)
        {
            current.Add(Cpu("current", new JsonObject { ["averageUtilization"] = used.DeepClone() }));
        }
        if (status?["currentReplicas"] is JsonValue replicas && replicas.ToJsonString() == "0")
        {
            status.Remove("currentReplicas");
        }
        Put(status, "currentMetrics", current);
        Put(status, "conditions", Annotated<JsonArray>(tree, Conditions));
        if (tree["metadata"]?["annotations"] is JsonObject { Count: 0 })
        {
            tree["metadata"]!.AsObject().Remove("annotations");
        }
    });

    private static JsonNode Cpu(string aim, JsonObject value) =>
        new JsonObject { ["type"] = "Resource", ["resource"] = new JsonObject { ["name"] = "cpu", [aim] = value } };

    private static bool IsCpu(JsonObject metric) => IsCpu(metric, "target");

    private static bool IsCurrentCpu(JsonObject metric) => IsCpu(metric, "current");

    private static bool IsCpu(JsonObject metric, string aim) =>
        Text(metric["type"]) == "Resource" && metric["resource"] is JsonObject source && Text(source["name"]) == "cpu" && source[aim] is JsonObject value && value["averageUtilization"] is not null;

    /// <summary>A metric as autoscaling/v1 has it (API: autoscaling/v1 MetricSpec, MetricStatus); <paramref name="aim"/>: <c>target</c> or <c>current</c>.</summary>
    private static JsonObject Older(JsonObject metric, string aim) => Mapped(metric, aim, toOlder: true);

    private static JsonObject Newer(JsonObject metric, string aim)
    {
        var result = Mapped(metric, aim, toOlder: false);
        foreach (var source in s_sources)
        {
            if (aim == "target" && result[source]?[aim] is JsonObject value)
            {
                value["type"] = value.ContainsKey("averageUtilization") ? "Utilization" : value.ContainsKey("averageValue") ? "AverageValue" : "Value";
            }
        }
        return result;
    }

    private static JsonObject Mapped(JsonObject metric, string aim, bool toOlder)
    {
        var result = new JsonObject { ["type"] = metric["type"]?.DeepClone() };
        foreach (var source in s_sources)
        {
            if (metric[source] is not JsonObject from)
            {
                continue;
            }
            var to = new JsonObject();
            foreach (var (older, newer) in Fields(source, aim))
            {
                if (toOlder)
                {
                    Put(to, older, newer.Aggregate((JsonNode?)from, static (node, step) => (node as JsonObject)?[step]));
                }
                else if (from[older] is { } value)
                {
                    newer[..^1].Aggregate(to, static (node, step) => node[step] as JsonObject ?? (JsonObject)(node[step] = new JsonObject()))[newer[^1]] = value.DeepClone();
                }
            }
            result[source] = to;
        }
        return result;
    }

    private static IEnumerable<(string Older, string[] Newer)> Fields(string source, string aim) =>
    [
        ("name", ["name"]),
        ("container", ["container"]),
        ("metricName", ["metric", "name"]),
        (source == "external" ? "metricSelector" : "selector", ["metric", "selector"]),
        .. source == "object" ? [("target", (string[])["describedObject"])] : (IEnumerable<(string, string[])>)[],
        (aim + "AverageUtilization", [aim, "averageUtilization"]),
        (source == "object" ? "averageValue" : aim + "AverageValue", [aim, "averageValue"]),
        (aim + "Value", [aim, "value"]),
    ];

    /// <summary>Upstream writes the behavior as its own type has it, whose names begin with capitals, and reads it either way.</summary>
    private static JsonNode? Recased(JsonNode? node, Func<char, char> first) => node switch
    {
        JsonObject map => new JsonObject(map.Where(m => m.Value is not null && m.Key.Length > 0).DistinctBy(m => first(m.Key[0]) + m.Key[1..])
            .Select(m => KeyValuePair.Create(first(m.Key[0]) + m.Key[1..], Recased(m.Value, first)))),
        JsonArray list => new JsonArray([.. list.Select(i => Recased(i, first))]),
        _ => node?.DeepClone(),
    };

    private static void Annotate(JsonObject tree, string name, JsonNode? value)
    {
        if (value is JsonObject or JsonArray { Count: > 0 } && tree["metadata"] is JsonObject metadata)
        {
            if (metadata["annotations"] is not JsonObject annotations)
            {
                metadata["annotations"] = annotations = [];
            }
            annotations[name] = value.ToJsonString();
        }
    }

    /// <summary>What an annotation says, which it then no longer does; null when it is none of ours.</summary>
    private static T? Annotated<T>(JsonObject tree, string name)
        where T : JsonNode
    {
        try
        {
            if (tree["metadata"]?["annotations"] is JsonObject annotations && Text(annotations[name]) is { Length: > 0 } text && Parse(text) is T value)
            {
                annotations.Remove(name);
                return value;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // a user's text
        }
        return null;
    }

    private static JsonNode? Parse(string text)
    {
        using var _ = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = DeepestAnnotation }); // or it does not fit into the object
        var tree = CanonicalJson.Parse(text);
        CanonicalJson.Serialize(tree); // reads all of it: a name twice, or half a character, is only found then
        return tree;
    }

    private static List<JsonObject> Items(JsonNode? list) => [.. (list as JsonArray ?? []).OfType<JsonObject>()];

    private static JsonNode? Take(JsonObject from, string name) => from.Remove(name, out var value) ? value : null;

    private static void Put(JsonObject? to, string name, JsonNode? value)
    {
        if (to is not null && value is not null and not JsonArray { Count: 0 })
        {
            to[name] = value.Parent is null ? value : value.DeepClone();
        }
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
