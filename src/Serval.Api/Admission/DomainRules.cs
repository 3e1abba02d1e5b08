using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Rules of DomainMapping (serving v1beta1: domainmapping_validation), whose target may change, and of ClusterDomainClaim.</summary>
internal static class DomainRules
{
    public static void Mapping(JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        var metadata = tree.Object("metadata");
        if (metadata.String("generateName").Length > 0)
        {
            to.Disallowed("metadata.generateName");
        }
        var name = metadata.String("name");
        if (Names.FullyQualified("name", name) is { } wrong)
        {
            to.Say($"invalid name \"{name}\": {wrong}", "metadata.name");
        }
        if (name.EndsWith("." + KnativeNames.ClusterDomain, StringComparison.Ordinal))
        {
            to.Say($"invalid name \"{name}\": must not be a subdomain of cluster local domain \"{KnativeNames.ClusterDomain}\"", "metadata.name");
        }
        if (ctx.IsUpdate && old is not null)
        {
            ServingRules.Users(tree, old, to);
        }
        var spec = tree.Object("spec");
        Reference(spec.Object("ref"), "spec.ref", metadata.String("namespace"), to);
        if (spec.Object("tls") is { } tls)
        {
            to.Need(tls, "secretName", "spec.tls");
        }
    }

    /// <summary>No webhook looks at a claim; its schema wants the namespace.</summary>
    public static void Claim(JsonObject tree, Problems to) => to.Need(tree.Object("spec"), "namespace", "spec");

    // knative.dev/pkg: KReference.Validate
    private static void Reference(JsonObject? reference, string path, string parent, Problems to)
    {
        to.Need(reference, "name", path);
        if (reference.String("group").Length > 0)
        {
            to.Disallowed($"{path}.group");
        }
        to.Need(reference, "apiVersion", path);
        to.Need(reference, "kind", path);
        if (reference.String("namespace") is { Length: > 0 } ns && parent.Length > 0 && ns != parent)
        {
            to.Say("mismatched namespaces", $"{path}.namespace", $"parent namespace: \"{parent}\" does not match ref: \"{ns}\"");
        }
    }
}
