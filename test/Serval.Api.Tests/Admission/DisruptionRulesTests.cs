using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>PodDisruptionBudgets that make no sense are refused in Kubernetes' words.</summary>
public sealed class DisruptionRulesTests
{
    private const string Budget = """{"metadata":{"name":"b","namespace":"d"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}}""";

    [Theory]
    [InlineData("spec.minAvailable = \"50%\"", "")]
    [InlineData("spec.maxUnavailable = 1", "spec: Invalid value: {\"MinAvailable\":1,\"Selector\":{\"matchLabels\":{\"a\":\"b\"}},\"MaxUnavailable\":1,\"UnhealthyPodEvictionPolicy\":null}: minAvailable and maxUnavailable cannot be both set")]
    [InlineData("spec.minAvailable = -1", "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec.minAvailable = \"150%\"", "spec.minAvailable: Invalid value: \"150%\": must not be greater than 100%")]
    [InlineData("spec.minAvailable = \"x\"",
        "spec.minAvailable: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")]
    [InlineData("spec.unhealthyPodEvictionPolicy = \"Odd\"", "spec.unhealthyPodEvictionPolicy: Unsupported value: \"Odd\": supported values: \"AlwaysAllow\", \"IfHealthyBudget\"")]
    [InlineData("spec.selector = {\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}", "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'")]
    public void Create(string edits, string errors)
    {
        var found = Validation.Validate(PolicyKinds.PodDisruptionBudget, Edits.Parse(Budget).Edit(edits), null, new AdmissionContext());
        Assert.Equal(errors, string.Join(" ; ", found.Select(e => $"{e.Field}: {e.Message}")));
    }
}
