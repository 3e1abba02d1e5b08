using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of Service, Configuration, Revision and Route.</summary>
internal static class ServingRules
{
    public static void Service(JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        Metadata(tree, ctx, to, autoscaling: false);
        Duration(tree.Object("metadata"), "metadata.annotations", "rollout-duration", to,
            KnativeNames.RolloutDurationAnnotation, KnativeNames.RolloutDurationLegacyAnnotation);
        var spec = tree.Object("spec");
        TemplateRules.Template(spec.Object("template"), "spec.template", tree.Object("metadata"), ctx, to);
        TrafficRules.Check(spec, ownConfiguration: true, to);
        if (ctx.IsUpdate && old is not null)
        {
            Users(tree, old, to);
            TemplateRules.NameChange(old.Object("spec").Object("template"), spec.Object("template"), to);
        }
    }

    public static void Configuration(JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        Metadata(tree, ctx, to, autoscaling: false);
        Owner(tree, KnativeNames.ServiceLabel, "Service", to);
        var template = tree.Object("spec").Object("template");
        TemplateRules.Template(template, "spec.template", tree.Object("metadata"), ctx, to);
        if (ctx.IsUpdate && old is not null)
        {
            if (!ServingDefaults.IsOwned(tree))
            {
                Users(tree, old, to);
            }
            TemplateRules.NameChange(old.Object("spec").Object("template"), template, to);
        }
    }

    public static void Revision(JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        Metadata(tree, ctx, to, autoscaling: true);
        Owner(tree, KnativeNames.ConfigurationLabel, "Configuration", to);
        if (!ctx.IsUpdate || old is null)
        {
            RevisionRules.Spec(tree.Object("spec"), "spec", ctx, to);
        }
        else if (TreeDiff.Describe(old["spec"], tree["spec"]) is { Length: > 0 } changes)
        {
            to.Say("Immutable fields changed (-old +new)", "spec", changes);
        }
    }

    public static void Route(JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        Metadata(tree, ctx, to, autoscaling: false);
        Owner(tree, KnativeNames.ServiceLabel, "Service", to);
        Duration(tree.Object("metadata"), "metadata.annotations", "rollout-duration", to,
            KnativeNames.RolloutDurationAnnotation, KnativeNames.RolloutDurationLegacyAnnotation);
        TrafficRules.Check(tree.Object("spec"), ownConfiguration: false, to);
        if (ctx.IsUpdate && old is not null && !ServingDefaults.IsOwned(tree))
        {
            Users(tree, old, to);
        }
    }

    /// <summary>A duration annotation: readable, whole seconds, not negative.</summary>
    internal static void Duration(JsonObject? metadata, string path, string name, Problems to, params ReadOnlySpan<string> keys)
    {
        var annotations = metadata.Texts("annotations");
        foreach (var key in keys)
        {
            if (!annotations.TryGetValue(key, out var value))
            {
                continue;
            }
            if (value.Length == 0)
            {
                return;
            }
            if (!GoDuration.TryParseNanoseconds(value, out var nanoseconds))
            {
                to.Wrong(value, $"{path}.{key}");
            }
            else if (nanoseconds % 1_000_000_000 != 0)
            {
                to.Say($"{name}={value} is not at second precision", $"{path}.{key}");
            }
            else if (nanoseconds < 0)
            {
                to.Say($"{name}={value} must be positive", $"{path}.{key}");
            }
            return;
        }
    }

    private static void Metadata(JsonObject tree, AdmissionContext ctx, Problems to, bool autoscaling)
    {
        var metadata = tree.Object("metadata");
        if (metadata.String("name") is { Length: > 0 } name && Names.Label1035(name) is { } wrong)
        {
            to.Say($"not a DNS 1035 label: [{wrong}]", "metadata.name");
        }
        if (TemplateRules.WrongPrefix(metadata.String("generateName")) is { } wrongPrefix)
        {
            to.Say($"not a DNS 1035 label prefix: [{wrongPrefix}]", "metadata.generateName");
        }
        var annotations = metadata.Texts("annotations");
        if (autoscaling)
        {
            AutoscalingRules.Check(annotations, "metadata.annotations", ctx.Config.Autoscaler, to);
            return;
        }
        foreach (var key in annotations.Keys.Where(k => k.StartsWith(KnativeNames.AutoscalingGroup, StringComparison.Ordinal)))
        {
            to.WrongKey(key, "metadata.annotations", "autoscaling annotations must be put under \"spec.template.metadata.annotations\" to work");
        }
    }

    private static void Owner(JsonObject tree, string label, string kind, Problems to)
    {
        var metadata = tree.Object("metadata");
        if (metadata.Texts("labels").TryGetValue(label, out var name)
            && !metadata.Objects("ownerReferences").Any(o => o.Item.String("kind") == kind && o.Item.String("name") == name))
        {
            to.Missing($"metadata.labels.{label}");
        }
    }

    internal static void Users(JsonObject tree, JsonObject old, Problems to)
    {
        var before = old.Object("metadata").Texts("annotations");
        var after = tree.Object("metadata").Texts("annotations");
        if (before.GetValueOrDefault(KnativeNames.CreatorAnnotation, "") != after.GetValueOrDefault(KnativeNames.CreatorAnnotation, ""))
        {
            to.Say("annotation value is immutable", $"metadata.annotations.{KnativeNames.CreatorAnnotation}");
        }
        var modifier = after.GetValueOrDefault(KnativeNames.LastModifierAnnotation, "");
        if (before.GetValueOrDefault(KnativeNames.LastModifierAnnotation, "") != modifier && TreeDiff.Same(old["spec"], tree["spec"]))
        {
            to.Wrong(modifier, $"metadata.annotations.{KnativeNames.LastModifierAnnotation}");
        }
    }
}
