using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.Config;

namespace Serval.Api.Tests.Admission;

/// <summary>What a container leaves to insecure defaults is warned of, once for each object that a user writes.</summary>
public sealed class SecurityWarningTests
{
    private const string Insecure = "Kubernetes default value is insecure, Knative may default this to secure in a future release: ";
    private const string Main = "spec.template.spec.containers[0].securityContext";
    private const string Secure = """{"runAsNonRoot":true,"allowPrivilegeEscalation":false,"seccompProfile":{"type":"RuntimeDefault"},"capabilities":{"drop":["ALL"]}}""";

    [Theory]
    [InlineData("{}", $"{Insecure}{Main}.allowPrivilegeEscalation, {Main}.capabilities, {Main}.runAsNonRoot, {Main}.seccompProfile")]
    [InlineData(Secure, "")]
    [InlineData("""{"runAsNonRoot":false,"allowPrivilegeEscalation":true,"seccompProfile":{"type":"Unconfined"},"capabilities":{"drop":[]}}""", "")] // on purpose
    [InlineData("""{"runAsNonRoot":true,"allowPrivilegeEscalation":false,"seccompProfile":{},"capabilities":{}}""", $"{Insecure}{Main}.capabilities.drop, {Main}.seccompProfile.type")]
    [InlineData("""{"runAsNonRoot":true,"allowPrivilegeEscalation":false,"seccompProfile":{"type":"RuntimeDefault"},"capabilities":{"drop":["all"]}}""", $"invalid value: all: {Main}.capabilities.drop\nMust be spelled as 'ALL'")]
    public void Service_SecurityContext_WarnsOf(string context, string expected) => Assert.Equal(expected, string.Join('|', Warnings(Kinds.KService, Template(context))));

    [Fact]
    public void Settings_OfThePod_CountForItsContainers()
    {
        var spec = Template("""{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}""");
        spec["template"]!["spec"]!["securityContext"] = JsonNode.Parse("""{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}""");
        Assert.Empty(Warnings(Kinds.KService, spec, features: """kubernetes.podspec-securitycontext"""));
    }

    [Fact]
    public void EveryContainer_IsInOneLine()
    {
        var spec = Template(Secure);
        spec["template"]!["spec"]!["containers"]!.AsArray().Add(JsonNode.Parse("""{"image":"b","ports":[{"containerPort":80}],"securityContext":{"runAsNonRoot":true,"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}"""));
        spec["template"]!["spec"]!["initContainers"] = JsonNode.Parse("""[{"image":"c","securityContext":{"runAsNonRoot":true,"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]""");
        Assert.Equal(
            [$"{Insecure}spec.template.spec.containers[1].securityContext.seccompProfile, spec.template.spec.initContainers[0].securityContext.seccompProfile"],
            Warnings(Kinds.KService, spec, features: "kubernetes.podspec-init-containers"));
    }

    [Fact]
    public void ImageOfThisMachine_IsNotWarnedOf()
    {
        var spec = Template("{}");
        spec["template"]!["spec"]!["containers"]![0]!["image"] = "dev.local/a";
        Assert.Empty(Warnings(Kinds.KService, spec));
        spec["template"]!["spec"]!["containers"]![0]!["image"] = "dev.locality/a";
        Assert.Single(Warnings(Kinds.KService, spec));
    }

    /// <summary>Not of what our own roles write, of a Revision that only changes, of a refused object, nor where the defaults are secure.</summary>
    [Fact]
    public void Others_AreNotWarned()
    {
        Assert.Single(Warnings(Kinds.Configuration, Template("{}")));
        Assert.Single(Warnings(Kinds.Revision, Template("{}")["template"]!["spec"]!.AsObject()));
        Assert.Empty(Warnings(Kinds.Revision, Template("{}")["template"]!["spec"]!.AsObject(), operation: AdmissionOperation.Update));
        Assert.Empty(Warnings(Kinds.Configuration, Template("{}"), user: ""));
        Assert.Empty(Warnings(Kinds.KService, Template("{}"), features: "secure-pod-defaults"));
        var bad = Template("{}");
        bad["template"]!["spec"]!["hostname"] = "h";
        Assert.Empty(Warnings(Kinds.KService, bad));
    }

    private static JsonObject Template(string context) =>
        JsonNode.Parse($$$$"""{"template":{"spec":{"containers":[{"image":"a","securityContext":{{{{context}}}}}]}}}""")!.AsObject();

    private static List<string> Warnings(
        ResourceKind kind, JsonObject spec, string features = "", string user = "me", AdmissionOperation operation = AdmissionOperation.Create)
    {
        var warnings = new List<string>();
        var config = features.Length == 0 ? ServingConfig.Default
            : ServingConfig.Default.With("config-features", new Dictionary<string, string> { [features] = "enabled" }).Config;
        var ctx = new AdmissionContext { Config = config, User = user, Operation = operation, Warn = warnings.Add };
        var tree = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "n", ["namespace"] = "d" }, ["spec"] = spec.DeepClone() };
        Defaulting.Apply(kind, tree, null, ctx);
        Validation.Validate(kind, tree, operation == AdmissionOperation.Update ? tree : null, ctx);
        return warnings;
    }
}
