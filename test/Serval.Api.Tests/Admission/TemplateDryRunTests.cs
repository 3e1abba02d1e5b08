using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>A dry run says of a template's pod what Kubernetes would say, in the words of the webhook's second look.</summary>
public sealed class TemplateDryRunTests
{
    private const string Callback = "admission webhook \"validation.webhook.serving.knative.dev\" denied the request: validation callback failed: dry run failed with ";
    private const string Main = "spec.template.spec.containers[0]";

    private static readonly AdmissionContext s_dry = new() { DryRun = true };

    [Theory]
    [InlineData($"{Main}.name = \"&InvalidValue\"", "spec.containers[0].name: Invalid value: \"&InvalidValue\"")]
    [InlineData($"{Main}.env = [{{\"name\":\"a=b\",\"value\":\"\"}}]", "spec.containers[0].env[0].name: Invalid value: \"a=b\"")]
    [InlineData($"{Main}.resources = {{\"requests\":{{\"cpu\":\"2\"}},\"limits\":{{\"cpu\":\"1\"}}}}", "spec.containers[0].resources.requests: Invalid value: \"2\"")]
    public void BadPod_IsRefusedByTheCallback_AndInARealWriteByTheWebhook(string edits, string expected)
    {
        var refusal = Refusal(Kinds.KService, edits, s_dry);
        Assert.Equal(400, refusal.Code);
        Assert.StartsWith($"{Callback}Pod \"dry-run-validation\" is invalid: {expected}", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(": spec.template", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("validation failed: ", Refusal(Kinds.KService, edits, new AdmissionContext()).Message, StringComparison.Ordinal);
    }

    /// <summary>Whether a Configuration is tried: not when its Service was.</summary>
    [Theory]
    [InlineData("", "validation callback failed")]
    [InlineData("metadata.labels['serving.knative.dev/service'] = \"hello\"\nmetadata.ownerReferences = [{\"apiVersion\":\"serving.knative.dev/v1\",\"kind\":\"Service\",\"name\":\"hello\",\"uid\":\"u\"}]\n", "validation failed")]
    public void Configuration_OfAService_IsNotTried(string edits, string expected) =>
        Assert.Contains(expected, Refusal(Kinds.Configuration, $"{edits}{Main}.name = \"&InvalidValue\"", s_dry).Message, StringComparison.Ordinal);

    /// <summary>Ports and what probes call are filled in for a Deployment.</summary>
    [Theory]
    [InlineData("")]
    [InlineData($"{Main}.ports = [{{\"containerPort\":0,\"name\":\"http1\"}}]")]
    [InlineData($"{Main}.readinessProbe = {{\"tcpSocket\":{{\"port\":0}}}}")]
    [InlineData($"{Main}.readinessProbe = {{\"httpGet\":{{\"scheme\":\"http\"}}}}")]
    public void GoodTemplate_Passes(string edits) => Assert.Empty(Errors(Kinds.KService, edits, s_dry));

    [Fact]
    public void KnativesOwnRules_ComeFirst() =>
        Assert.Contains("validation failed: missing field(s)", Refusal(Kinds.KService, $"{Main} = {{\"name\":\"&InvalidValue\"}}", s_dry).Message, StringComparison.Ordinal);

    private static IReadOnlyList<FieldError> Errors(ResourceKind kind, string edits, AdmissionContext ctx)
    {
        var tree = Edits.Parse($$"""
            {"apiVersion":"{{kind.ApiVersion}}","kind":"{{kind.Kind}}","metadata":{"name":"hello","namespace":"default"},
             "spec":{"template":{"spec":{"containers":[{"image":"busybox"}]} } } }
            """).Edit(edits).Defaulted(kind, ctx);
        return Validation.Validate(kind, tree, null, ctx);
    }

    private static ApiException Refusal(ResourceKind kind, string edits, AdmissionContext ctx) => Validation.ToException(kind, "hello", Errors(kind, edits, ctx));
}
