using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of PodAutoscaler, Ingress, ServerlessService and Certificate.</summary>
internal static class InternalRules
{
    public static void PodAutoscaler(JsonObject tree, AdmissionContext ctx, Problems to)
    {
        AutoscalingRules.Check(tree.Object("metadata").Texts("annotations"), "metadata.annotations", ctx.Config.Autoscaler, to);
        if (tree.Object("spec") is not { Count: > 0 } spec)
        {
            to.Missing("spec");
            return;
        }
        Reference(spec.Object("scaleTargetRef"), "spec.scaleTargetRef", to);
        RevisionRules.Concurrency(spec, "spec", ctx.Config.Defaults, to);
        to.OneOf(spec, "protocolType", "spec", "http1", "h2c");
    }

    public static void ServerlessService(JsonObject tree, Problems to)
    {
        if (tree.Object("spec") is not { Count: > 0 } spec)
        {
            to.Missing("spec");
            return;
        }
        to.Need(spec, "mode", "spec");
        to.OneOf(spec, "mode", "spec", "Proxy", "Serve");
        if (spec.Number("numActivators") is < 0)
        {
            to.Wrong(spec.Number("numActivators").ToString()!, "spec.numActivators");
        }
        Reference(spec.Object("objectRef"), "spec.objectRef", to);
        to.OneOf(spec, "protocolType", "spec", "http1", "h2c");
    }

    public static void Certificate(JsonObject tree, Problems to)
    {
        var spec = tree.Object("spec");
        var names = (spec.Array("dnsNames") ?? []).Select(Tree.Text).ToList();
        if (names.Count == 0)
        {
            to.Missing("spec.dnsNames");
        }
        foreach (var (i, name) in names.Index())
        {
            if (name.Length == 0)
            {
                to.Wrong("", $"spec.dnsNames[{i}]");
            }
        }
        to.Need(spec, "secretName", "spec");
        if (spec.String("domain") is { Length: > 0 } domain && names.Count > 0
            && !names.Exists(n => n == domain || n.EndsWith("." + domain, StringComparison.Ordinal)))
        {
            to.Wrong("domain", "spec.domain must be a suffix of, or match exactly, at least one entry in dnsNames"); // the path is upstream's
        }
    }

    public static void Ingress(JsonObject tree, Problems to)
    {
        if (tree.Object("spec") is not { Count: > 0 } spec)
        {
            to.Missing("spec");
            return;
        }
        if (spec.Array("rules") is null or { Count: 0 })
        {
            to.Missing("spec.rules");
        }
        var space = tree.Object("metadata").String("namespace");
        foreach (var (i, rule) in spec.Objects("rules"))
        {
            Rule(rule, $"spec.rules[{i}]", space, to);
        }
        foreach (var (i, tls) in spec.Objects("tls"))
        {
            to.Need(tls, "secretName", $"spec.tls[{i}]");
            to.Need(tls, "secretNamespace", $"spec.tls[{i}]");
        }
        to.OneOf(spec, "httpOption", "spec", "Enabled", "Redirected");
    }

    private static void Rule(JsonObject rule, string path, string space, Problems to)
    {
        if (rule.Object("http") is not { } http)
        {
            to.Missing($"{path}.http");
            return;
        }
        if (http.Array("paths") is null or { Count: 0 })
        {
            to.Missing($"{path}.http.paths");
        }
        foreach (var (i, entry) in http.Objects("paths"))
        {
            Splits(entry, $"{path}.http.paths[{i}]", space, to);
        }
    }

    private static void Splits(JsonObject entry, string path, string space, Problems to)
    {
        var splits = entry.Objects("splits").ToList();
        if (splits.Count == 0)
        {
            to.Missing($"{path}.splits");
            return;
        }
        long total = 0;
        foreach (var (i, split) in splits)
        {
            var at = $"{path}.splits[{i}]";
            var percent = split.Number("percent") ?? 0;
            total += percent;
            if (percent is < 0 or > 100)
            {
                to.Wrong(percent.ToString(), $"{at}.percent");
            }
            to.Need(split, "serviceName", at);
            to.Need(split, "serviceNamespace", at);
            if (space.Length > 0 && split.String("serviceNamespace") is { Length: > 0 } other && other != space)
            {
                to.Say("service namespace must match ingress namespace", $"{at}.serviceNamespace");
            }
            if (!Tree.IsSet("", split["servicePort"]))
            {
                to.Missing($"{at}.servicePort");
            }
        }
        if (total != 100 && (splits.Count != 1 || total != 0))
        {
            to.Say($"traffic split percentage must total to 100, but was {total}", $"{path}.splits");
        }
    }

    private static void Reference(JsonObject? reference, string path, Problems to)
    {
        to.OnlyFields(reference, path, f => f is "apiVersion" or "kind" or "name");
        to.Need(reference, "apiVersion", path);
        to.Need(reference, "kind", path);
        to.Need(reference, "name", path);
        if (reference.String("name") is { Length: > 0 } name && Names.Label(name) is { } wrong)
        {
            to.Wrong(wrong, $"{path}.name");
        }
    }
}
