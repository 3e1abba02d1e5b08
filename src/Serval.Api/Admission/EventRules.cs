using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.GoText;

namespace Serval.Api.Admission;

/// <summary>Events of outside clients (kubernetes pkg/apis/core/validation/events.go); our own are right.</summary>
internal static class EventRules
{
    private const int LongestWord = 128;
    private const int LongestMessage = 1024;

    private static readonly string[] s_fixed =
    [
        "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action", "related", "reportingComponent",
        "reportingInstance",
    ];

    public static void Check(JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        var ns = tree.Object("metadata").String("namespace");
        var about = tree.Object("involvedObject").String("namespace");
        var timed = tree.Has("eventTime");
        if (about.Length == 0 ? ns != "default" && !(timed && ns == "kube-system") : !timed && about != ns)
        {
            to.InvalidText("involvedObject.namespace", about, "does not match event.namespace");
        }
        if (timed)
        {
            Timed(tree, ctx.ThroughView ? "reportingController" : "reportingComponent", to);
        }
        if (ctx.ThroughView)
        {
            Strict(tree, old, to);
        }
    }

    private static void Timed(JsonObject tree, string field, Problems to)
    {
        var controller = tree.String("reportingComponent");
        if (controller.Length == 0)
        {
            to.Required(field);
        }
        to.Check(field, controller, Names.QualifiedNameProblems);
        foreach (var word in (ReadOnlySpan<string>)["reportingInstance", "action", "reason"])
        {
            to.Need(tree, word, "");
            Short(tree, word, LongestWord, to);
        }
        Short(tree, "message", LongestMessage, to);
    }

    /// <summary>What events.k8s.io/v1 asks for beyond.</summary>
    private static void Strict(JsonObject tree, JsonObject? old, Problems to)
    {
        if (tree.Object("series") is { } series && !JsonNode.DeepEquals(series, old?["series"]))
        {
            if ((series.Number("count") ?? 0) < 2)
            {
                to.InvalidText("series.count", "", "should be at least 2");
            }
            if (!series.Has("lastObservedTime"))
            {
                to.Required("series.lastObservedTime");
            }
        }
        foreach (var field in old is null ? [] : s_fixed)
        {
            if (!JsonNode.DeepEquals(tree[field], old![field]))
            {
                to.Invalid(field, field is "involvedObject" or "related" ? Shown(tree.Object(field)) : tree[field]?.ToJsonString() ?? "null", "field is immutable");
            }
        }
        if (old is not null)
        {
            return;
        }
        if (!tree.Has("eventTime"))
        {
            to.Required("eventTime");
        }
        if (tree.String("type") is var type and not ("Normal" or "Warning"))
        {
            to.InvalidText("type", "", $"has invalid value: {type}");
        }
        foreach (var field in (ReadOnlySpan<string>)["firstTimestamp", "lastTimestamp", "count"])
        {
            Unset(field, Tree.IsSet(field, tree[field]), to);
        }
        Unset("source", tree.Object("source") is { } source && (source.String("component") + source.String("host")).Length > 0, to);
    }

    // As upstream's internal type shows itself.
    private static string Shown(JsonObject? reference) => reference is null ? "null" : GoStruct.Show(
        ("Kind", reference.String("kind")), ("Namespace", reference.String("namespace")), ("Name", reference.String("name")), ("UID", reference.String("uid")),
        ("APIVersion", reference.String("apiVersion")), ("ResourceVersion", reference.String("resourceVersion")), ("FieldPath", reference.String("fieldPath")));

    private static void Unset(string field, bool isSet, Problems to)
    {
        if (isSet)
        {
            to.InvalidText(field, "", "needs to be unset");
        }
    }

    private static void Short(JsonObject tree, string field, int most, Problems to)
    {
        if (tree.String(field).Length > most)
        {
            to.InvalidText(field, "", $"can have at most {most} characters");
        }
    }
}
