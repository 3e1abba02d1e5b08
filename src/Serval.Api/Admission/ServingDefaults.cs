using System.Text.Json.Nodes;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Defaults of serving.knative.dev (upstream: SetDefaults of each kind).</summary>
internal static class ServingDefaults
{
    public static void Service(JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        var spec = tree.Ensure("spec");
        Template(spec, old.Object("spec"), tree.Object("metadata"), ctx);
        if (spec.Array("traffic") is null or { Count: 0 })
        {
            spec["traffic"] = new JsonArray(new JsonObject { ["latestRevision"] = true, ["percent"] = 100 });
        }
        Traffic(spec);
        StampUser(tree, old, ctx);
    }

    public static void Configuration(JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        Template(tree.Ensure("spec"), old.Object("spec"), tree.Object("metadata"), ctx);
        if (!IsOwned(tree))
        {
            StampUser(tree, old, ctx);
        }
    }

    public static void Revision(JsonObject tree, AdmissionContext ctx)
    {
        // A stored Revision's spec never changes, not even when the defaults do.
        if (!ctx.IsUpdate)
        {
            RevisionDefaults.Apply(tree.Ensure("spec"), parent: null, ctx);
        }
    }

    public static void Route(JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        Traffic(tree.Ensure("spec"));
        if (!IsOwned(tree))
        {
            StampUser(tree, old, ctx);
        }
    }

    public static void DomainMapping(JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        if (tree.Ensure("spec").Object("ref") is { } reference && tree.Object("metadata").String("namespace") is { Length: > 0 } ns)
        {
            reference.DefaultZero("namespace", ns);
        }
        StampUser(tree, old, ctx);
    }

    internal static bool IsOwned(JsonObject tree) => tree.Object("metadata").Array("ownerReferences") is { Count: > 0 };

    private static void Template(JsonObject spec, JsonObject? oldSpec, JsonObject? parent, AdmissionContext ctx)
    {
        var template = spec.Ensure("template");
        var name = template.Object("metadata").String("name");
        // A named template that keeps its name must stay as it was: new defaults would look like a change of it.
        if (name.Length == 0 || oldSpec is null || oldSpec.Object("template").Object("metadata").String("name") != name)
        {
            RevisionDefaults.Apply(template.Ensure("spec"), parent, ctx);
        }
    }

    private static void Traffic(JsonObject spec)
    {
        foreach (var (_, target) in spec.Objects("traffic"))
        {
            target.Default("latestRevision", target.String("revisionName").Length == 0);
            target.Default("percent", 0);
        }
    }

    private static void StampUser(JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        if (ctx.User.Length == 0 || (ctx.IsUpdate && TreeDiff.Same(old?["spec"], tree["spec"])))
        {
            return;
        }
        var annotations = tree.Ensure("metadata").Ensure("annotations");
        annotations[KnativeNames.LastModifierAnnotation] = ctx.User;
        if (!ctx.IsUpdate)
        {
            annotations[KnativeNames.CreatorAnnotation] = ctx.User;
        }
    }
}
