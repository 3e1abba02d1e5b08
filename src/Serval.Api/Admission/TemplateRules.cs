using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of a revision template: its metadata, its name, and when the name must change.</summary>
internal static class TemplateRules
{
    private static readonly HashSet<string> s_networking = new(StringComparer.Ordinal)
    {
        KnativeNames.IngressClassAnnotation, KnativeNames.IngressClassAltAnnotation, KnativeNames.CertificateClassAnnotation,
        KnativeNames.CertificateClassAltAnnotation, KnativeNames.DisableAutoTlsAnnotation, KnativeNames.DisableAutoTlsAltAnnotation,
        KnativeNames.DisableExternalDomainTlsAnnotation, KnativeNames.HttpOptionAnnotation, KnativeNames.HttpProtocolAnnotation,
    };

    private static readonly string[] s_amounts =
    [
        KnativeNames.QueueCpuRequestAnnotation, KnativeNames.QueueCpuLimitAnnotation, KnativeNames.QueueMemoryRequestAnnotation,
        KnativeNames.QueueMemoryLimitAnnotation, KnativeNames.QueueStorageRequestAnnotation, KnativeNames.QueueStorageLimitAnnotation,
    ];

    public static void Template(JsonObject? template, string path, JsonObject? parent, AdmissionContext ctx, Problems to)
    {
        RevisionRules.Spec(template.Object("spec"), $"{path}.spec", ctx, to);
        var metadata = template.Object("metadata");
        var annotations = metadata.Texts("annotations");
        var at = $"{path}.metadata.annotations";
        MetadataRules.Labels(metadata, $"{path}.metadata.labels", to);
        MetadataRules.Annotations(metadata, at, to);
        AutoscalingRules.Check(annotations, at, ctx.Config.Autoscaler, to);
        foreach (var key in annotations.Keys.Where(k => k.StartsWith(KnativeNames.NetworkingGroup, StringComparison.Ordinal) && !s_networking.Contains(k)))
        {
            to.WrongKey(key, at);
        }
        Name(metadata, $"{path}.metadata", parent, to);
        Queue(annotations, at, ctx, to);
        ServingRules.Duration(metadata, at, "progress-deadline", to, KnativeNames.ProgressDeadlineAnnotation);
    }

    /// <summary>A template whose author named it may not change under the same name: a revision is immutable.</summary>
    public static void NameChange(JsonObject? before, JsonObject? after, Problems to)
    {
        var name = after.Object("metadata").String("name");
        if (name.Length > 0 && name == before.Object("metadata").String("name") && TreeDiff.Describe(before, after) is { Length: > 0 } changes)
        {
            to.Say("Saw the following changes without a name change (-old +new)", "spec.template.metadata.name", changes);
        }
    }

    /// <summary>What is wrong with a generateName; it may end with a dash.</summary>
    internal static string? WrongPrefix(string generate) =>
        generate.Length == 0 ? null : Names.Label1035(generate.EndsWith('-') ? generate[..^1] + "a" : generate);

    private static void Name(JsonObject? metadata, string path, JsonObject? parent, Problems to)
    {
        var generate = metadata.String("generateName");
        if (WrongPrefix(generate) is { } wrongPrefix)
        {
            to.Wrong($"not a DNS 1035 label prefix: [{wrongPrefix}]", $"{path}.generateName");
            return;
        }
        var name = metadata.String("name");
        if (name.Length == 0)
        {
            return;
        }
        if (Names.Label1035(name) is { } wrong)
        {
            to.Wrong($"not a DNS 1035 label: [{wrong}]", $"{path}.name");
            return;
        }
        var prefix = parent.String("name") + "-";
        if (prefix == "-" && parent.String("generateName").Length > 0)
        {
            to.Disallowed($"{path}.name");
        }
        else if (!name.StartsWith(prefix, StringComparison.Ordinal))
        {
            to.Wrong($"\"{name}\" must have prefix \"{prefix}\"", $"{path}.name");
        }
    }

    private static void Queue(Dictionary<string, string> annotations, string path, AdmissionContext ctx, Problems to)
    {
        if (KnativeNames.First(annotations, KnativeNames.QueueResourcePercentageAnnotation, KnativeNames.QueueResourcePercentageLegacyAnnotation) is { } text)
        {
            ctx.Warn("Queue proxy resource percentage annotation is deprecated. Please use the available annotations to explicitly set resource values per service");
            var at = $"{path}[{KnativeNames.QueueResourcePercentageAnnotation}]";
            if (!ConfigReader.TryNumber(text, out var percent))
            {
                to.Wrong(text, at);
            }
            else if (percent is < 0.1 or > 100)
            {
                to.OutOfBounds(text, "0.1", "100", at);
            }
        }
        foreach (var key in s_amounts)
        {
            if (annotations.TryGetValue(key, out var amount) && !Quantity.TryParse(amount, out _))
            {
                to.Wrong(amount, $"{path}[{key}]");
            }
        }
    }
}
