using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>What is refused of DomainMappings and claims, in upstream's words, and what may change.</summary>
public sealed class DomainRulesTests
{
    private const string Good = """
        {"apiVersion":"serving.knative.dev/v1beta1","kind":"DomainMapping","metadata":{"name":"hello.example.com","namespace":"default"},
         "spec":{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"hello"}}}
        """;

    private const string Subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
        + "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

    private static readonly string s_a64 = new('a', 64);
    private static readonly AdmissionContext s_create = new() { User = "ann" };
    private static readonly AdmissionContext s_update = new() { User = "bob", Operation = AdmissionOperation.Update };

    public static TheoryData<string, string> Rejected => new()
    {
        { "metadata.name = \"invalid\"", "invalid name \"invalid\": name: Invalid value: \"invalid\": should be a domain with at least two segments separated by dots: metadata.name" },
        { "metadata.name = -\nmetadata.generateName = \"cannot-use-this\"", "must not set the field(s): metadata.generateName" },
        { "metadata.name = -\nmetadata.generateName = \"cannot-use-this\"", "invalid name \"\": name: Required value: metadata.name" },
        { "metadata.name = \"A.example.com\"", $"invalid name \"A.example.com\": name: Invalid value: \"A.example.com\": {Subdomain}: metadata.name" },
        { $"metadata.name = \"{s_a64}.com\"", $"invalid name \"{s_a64}.com\": name: Invalid value: \"{s_a64}\": must be no more than 63 characters: metadata.name" },
        { "metadata.name = \"notallowed.svc.cluster.local\"",
          "invalid name \"notallowed.svc.cluster.local\": must not be a subdomain of cluster local domain \"cluster.local\": metadata.name" },
        { "spec.ref.namespace = \"other\"", "mismatched namespaces: spec.ref.namespace\nparent namespace: \"default\" does not match ref: \"other\"" },
        { "spec.ref.kind = -", "missing field(s): spec.ref.kind" },
        { "spec.ref.apiVersion = -", "missing field(s): spec.ref.apiVersion" },
        { "spec.ref.name = \"\"", "missing field(s): spec.ref.name" },
        { "spec.ref = -", "missing field(s): spec.ref.apiVersion, spec.ref.kind, spec.ref.name" },
        { "spec = -", "missing field(s): spec.ref.apiVersion, spec.ref.kind, spec.ref.name" },
        { "spec.ref.group = \"serving.knative.dev\"", "must not set the field(s): spec.ref.group" },
        { "spec.tls = {}", "missing field(s): spec.tls.secretName" },
    };

    [Theory]
    [MemberData(nameof(Rejected))]
    public void Mapping_Bad_IsRefused(string edits, string expected)
    {
        var tree = Edits.Parse(Good).Edit(edits).Defaulted(Kinds.DomainMapping, s_create);
        Assert.Contains(expected, Validation.Describe(Validation.Validate(Kinds.DomainMapping, tree, null, s_create)), StringComparison.Ordinal);
    }

    [Fact]
    public void Mapping_Bad_IsRefusedByTheWebhook()
    {
        var errors = Validation.Validate(Kinds.DomainMapping, Edits.Parse(Good).Edit("metadata.name = \"invalid\""), null, s_create);
        var refusal = Validation.ToException(Kinds.DomainMapping, "invalid", errors);
        Assert.Equal(400, refusal.Code);
        Assert.StartsWith("admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation failed: invalid name", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mapping_Update_MayChangeTheTargetAndIsSigned()
    {
        var old = Edits.Parse(Good).Defaulted(Kinds.DomainMapping, s_create);
        Assert.Empty(Validation.Validate(Kinds.DomainMapping, old, null, s_create));
        Assert.Equal("ann", Annotation(old, "creator"));
        Assert.Equal("ann", Annotation(old, "lastModifier"));

        var changed = Changed(old, "spec.ref.name = \"other\"\nspec.tls = {\"secretName\":\"s\"}").Defaulted(Kinds.DomainMapping, s_update, old);
        Assert.Empty(Validation.Validate(Kinds.DomainMapping, changed, old, s_update));
        Assert.Equal("ann", Annotation(changed, "creator"));
        Assert.Equal("bob", Annotation(changed, "lastModifier"));
    }

    [Theory]
    [InlineData("creator", "annotation value is immutable: metadata.annotations.serving.knative.dev/creator")]
    [InlineData("lastModifier", "invalid value: eve: metadata.annotations.serving.knative.dev/lastModifier")]
    public void Mapping_Update_OfWhoWroteIt_IsRefused(string who, string expected)
    {
        var old = Edits.Parse(Good).Defaulted(Kinds.DomainMapping, s_create);
        var forged = Changed(old, $"metadata.annotations['serving.knative.dev/{who}'] = \"eve\"").Defaulted(Kinds.DomainMapping, s_update, old);
        Assert.Equal(expected, Validation.Describe(Validation.Validate(Kinds.DomainMapping, forged, old, s_update)));
    }

    [Fact]
    public void Claim_NamesANamespace()
    {
        var claim = Edits.Parse("""{"metadata":{"name":"hello.example.com"},"spec":{"namespace":"default"}}""");
        Assert.Empty(Validation.Validate(Kinds.ClusterDomainClaim, claim, null, s_create));
        var refusal = Validation.ToException(
            Kinds.ClusterDomainClaim, "hello.example.com", Validation.Validate(Kinds.ClusterDomainClaim, claim.Edit("spec.namespace = -"), null, s_create));
        Assert.Equal(422, refusal.Code);
        Assert.Contains("spec.namespace: Required value", refusal.Message, StringComparison.Ordinal);
    }

    private static string? Annotation(JsonObject tree, string name) => (string?)tree["metadata"]!["annotations"]![$"serving.knative.dev/{name}"];

    private static JsonObject Changed(JsonObject old, string edits) => ((JsonObject)old.DeepClone()).Edit(edits);
}
