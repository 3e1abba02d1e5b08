using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Jobs: what is filled in, and what is refused in Kubernetes' words.</summary>
public sealed class JobRulesTests
{
    private const string Job = """
        {"metadata":{"name":"j","namespace":"d","uid":"u1"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"a"}]}}}}
        """;

    [Theory]
    [InlineData("spec.parallelism = 2", "")]
    [InlineData("spec.template.spec.restartPolicy = \"OnFailure\"", "")]
    [InlineData("spec.template.spec.restartPolicy = -", "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"")]
    [InlineData("spec.template.spec.restartPolicy = \"Always\"", "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"")]
    [InlineData("spec.parallelism = -1", "spec.parallelism: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec.completions = -1", "spec.completions: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec.backoffLimit = -1", "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec.activeDeadlineSeconds = -1", "spec.activeDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec.ttlSecondsAfterFinished = -1", "spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("spec.completionMode = \"Odd\"", "spec.completionMode: Unsupported value: \"Odd\": supported values: \"NonIndexed\", \"Indexed\"")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.parallelism = 2", "spec.completions: Required value: when completion mode is Indexed")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3", "")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3\nspec.parallelism = 100001",
        "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed")]
    [InlineData("spec.podReplacementPolicy = \"Odd\"", "spec.podReplacementPolicy: Unsupported value: \"Odd\": supported values: \"Failed\", \"TerminatingOrFailed\"")]
    [InlineData("spec.selector.matchLabels.a = \"b\"", "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"batch.kubernetes.io/controller-uid\":\"u1\"}}: `selector` not auto-generated ; spec.template.metadata.labels: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"u1\",\"batch.kubernetes.io/job-name\":\"j\",\"controller-uid\":\"u1\",\"job-name\":\"j\"}: `selector` does not match template `labels`")]
    [InlineData("spec.manualSelector = true", "spec.selector: Required value ; spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`")]
    [InlineData("spec.manualSelector = true\nspec.selector.matchLabels.a = \"b\"\nspec.template.metadata.labels.a = \"b\"", "")]
    [InlineData("spec.manualSelector = true\nspec.selector.matchLabels.a = \"b\"\nspec.template.metadata.labels.a = \"c\"",
        "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"FailJob\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[42]}}", "")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"Odd\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[42]}}",
        "spec.podFailurePolicy.rules[0].action: Unsupported value: \"Odd\": supported values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\"")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"Count\"}", "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"Count\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[0]}}",
        "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"Count\",\"onExitCodes\":{\"operator\":\"Of\",\"values\":[]}}",
        "spec.podFailurePolicy.rules[0].onExitCodes.operator: Unsupported value: \"Of\": supported values: \"In\", \"NotIn\" ; spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: []: at least one value is required")]
    [InlineData("spec.template.spec.restartPolicy = \"OnFailure\"\nspec.podFailurePolicy.rules = []",
        "spec.template.spec.restartPolicy: Invalid value: \"OnFailure\": only \"Never\" is supported when podFailurePolicy is specified")]
    [InlineData("spec.backoffLimitPerIndex = 1",
        "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode")]
    [InlineData("spec.maxFailedIndexes = 1",
        "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified ; spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3\nspec.backoffLimitPerIndex = 1\nspec.maxFailedIndexes = 9",
        "spec.maxFailedIndexes: Invalid value: 9: must be less than or equal to completions")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 200000\nspec.parallelism = 20000\nspec.backoffLimitPerIndex = 1",
        "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000 ; spec.parallelism: Invalid value: 20000: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index")]
    [InlineData("spec.managedBy = \"x\"",
        "spec.managedBy: Invalid value: \"x\": must be a domain-prefixed path (such as \"acme.io/foo\")")]
    [InlineData("spec.managedBy = \"kueue.x-k8s.io/multikueue\"",
        "")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"FailIndex\",\"onExitCodes\":{\"operator\":\"In\",\"values\":[42]}}",
        "spec.podFailurePolicy.rules[0].action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"Count\",\"onExitCodes\":{\"containerName\":\"x\",\"operator\":\"In\",\"values\":[3,2,2]}}",
        "spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: \"x\": must be one of the container or initContainer names in the pod template ; spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 2 ; spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,2,2]: must be ordered")]
    [InlineData("spec.podFailurePolicy.rules[0] = {\"action\":\"Count\",\"onPodConditions\":[{\"type\":\"Ready\",\"status\":\"x\"}]}",
        "spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: \"x\": supported values: \"False\", \"True\", \"Unknown\"")]
    [InlineData("spec.podReplacementPolicy = \"TerminatingOrFailed\"\nspec.podFailurePolicy.rules = []",
        "spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\"")]
    [InlineData("spec.successPolicy = {\"rules\":[{\"succeededCount\":1}]}",
        "spec.successPolicy: Invalid value: {\"Rules\":[{\"SucceededIndexes\":null,\"SucceededCount\":1}]}: requires indexed completion mode")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3\nspec.successPolicy = {\"rules\":[]}",
        "spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3\nspec.successPolicy = {\"rules\":[{}]}",
        "spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3\nspec.successPolicy = {\"rules\":[{\"succeededIndexes\":\"x\"}]}",
        "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"x\": error parsing succeededIndexes: cannot convert string to integer for index: \"x\"")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 3\nspec.successPolicy = {\"rules\":[{\"succeededIndexes\":\"0-3\"}]}",
        "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"0-3\": error parsing succeededIndexes: too large index: \"3\"")]
    [InlineData("spec.completionMode = \"Indexed\"\nspec.completions = 5\nspec.successPolicy = {\"rules\":[{\"succeededIndexes\":\"0,2-3\",\"succeededCount\":4}]}",
        "spec.successPolicy.rules[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of indexes in the specified succeededIndexes field)")]
    [InlineData("spec.template.metadata.labels.job-name = \"x\"",
        "spec.template.metadata.labels[job-name]: Invalid value: {\"batch.kubernetes.io/controller-uid\":\"u1\",\"batch.kubernetes.io/job-name\":\"j\",\"controller-uid\":\"u1\",\"job-name\":\"x\"}: must be 'j'")]
    public void Create(string edits, string errors) => Assert.Equal(errors, Errors(Edits.Parse(Job).Edit(edits).Defaulted(BatchKinds.Job, new AdmissionContext()), null));

    [Theory]
    [InlineData("spec.parallelism = 4", "")]
    [InlineData("spec.suspend = true", "")]
    [InlineData("spec.completions = 4", "spec.completions: Invalid value: 4: field is immutable")]
    [InlineData("spec.completionMode = \"Indexed\"", "spec.completionMode: Invalid value: \"Indexed\": field is immutable")]
    [InlineData("spec.selector.matchLabels = {\"batch.kubernetes.io/controller-uid\":\"u1\",\"a\":\"b\"}\nspec.manualSelector = true\nspec.template.metadata.labels.a = \"b\"",
        "spec.selector: Invalid value")]
    [InlineData("spec.template.spec.containers[0].image = \"b\"", "spec.template: Invalid value")]
    public void Update(string edits, string errors)
    {
        var old = Edits.Parse(Job).Edit("spec.completions = 3").Defaulted(BatchKinds.Job, new AdmissionContext());
        var update = new AdmissionContext { Operation = AdmissionOperation.Update };
        var actual = Errors(((JsonObject)old.DeepClone()).Edit(edits).Defaulted(BatchKinds.Job, update, old), old);
        Assert.True(errors.Length == 0 ? actual.Length == 0 : actual.StartsWith(errors, StringComparison.Ordinal), actual);
    }

    [Fact]
    public void Update_OfAnIndexedJob_MayGrowAsAWhole()
    {
        var old = Edits.Parse(Job).Edit("spec.completions = 3\nspec.parallelism = 3\nspec.completionMode = \"Indexed\"").Defaulted(BatchKinds.Job, new AdmissionContext());
        Assert.Equal("", Errors(((JsonObject)old.DeepClone()).Edit("spec.completions = 5\nspec.parallelism = 5"), old));
    }

    /// <summary>A queue that holds a job back says where it is to run and what it gets before it lets it go; of a job that has begun, nothing may change.</summary>
    [Theory]
    [InlineData(true, "", "spec.template.spec.nodeSelector.a = \"b\"", true)]
    [InlineData(true, "", "spec.template.spec.tolerations = [{\"key\":\"a\"}]\nspec.template.metadata.labels.z = \"z\"\nspec.suspend = false", true)]
    [InlineData(true, "", "spec.template.spec.affinity = {\"nodeAffinity\":{}}", true)]
    [InlineData(true, "", "spec.template.spec.containers[0].resources.limits.cpu = \"2\"", true)]
    [InlineData(true, "", "spec.template.spec.affinity = {\"podAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[]}}\nspec.template.spec.containers[0].image = \"b\"", false)]
    [InlineData(true, "", "spec.template.spec.containers[0].image = \"b\"", false)]
    [InlineData(true, """{"startTime":"2026-01-01T00:00:00Z"}""", "spec.template.spec.nodeSelector.a = \"b\"", false)]
    [InlineData(true, """{"active":1}""", "spec.template.spec.nodeSelector.a = \"b\"", false)]
    [InlineData(true, """{"startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"Suspended","status":"True"}]}""", "spec.template.spec.nodeSelector.a = \"b\"", true)]
    [InlineData(false, "", "spec.template.spec.nodeSelector.a = \"b\"", false)]
    public void Update_OfASuspendedJob_MayPlaceIt(bool suspended, string status, string edits, bool allowed)
    {
        var old = Edits.Parse(Job).Edit($"spec.suspend = {(suspended ? "true" : "false")}").Defaulted(BatchKinds.Job, new AdmissionContext());
        if (status.Length > 0)
        {
            old["status"] = JsonNode.Parse(status);
        }
        var update = new AdmissionContext { Operation = AdmissionOperation.Update };
        var errors = Errors(((JsonObject)old.DeepClone()).Edit(edits).Defaulted(BatchKinds.Job, update, old), old);
        Assert.True(allowed == (errors.Length == 0), errors);
    }

    [Fact]
    public void Default_FillsIn_AndTellsThePodsByTheUid()
    {
        var job = Edits.Parse(Job).Defaulted(BatchKinds.Job, new AdmissionContext());
        var spec = job["spec"]!;
        Assert.Equal("1 1 6 NonIndexed False TerminatingOrFailed", $"{spec["completions"]} {spec["parallelism"]} {spec["backoffLimit"]} {spec["completionMode"]} {(bool)spec["suspend"]!} {spec["podReplacementPolicy"]}");
        Assert.Equal("""{"matchLabels":{"batch.kubernetes.io/controller-uid":"u1"}}""", spec["selector"]!.ToJsonString());
        const string labels = """{"batch.kubernetes.io/controller-uid":"u1","batch.kubernetes.io/job-name":"j","controller-uid":"u1","job-name":"j"}""";
        Assert.Equal(labels, spec["template"]!["metadata"]!["labels"]!.ToJsonString());
        Assert.Equal(labels, job["metadata"]!["labels"]!.ToJsonString());
    }

    [Fact]
    public void WhatIsNotHonoured_IsWarnedOf()
    {
        var warnings = new List<string>();
        var ctx = new AdmissionContext { Warn = warnings.Add };
        var job = Edits.Parse(Job).Edit("spec.completionMode = \"Indexed\"\nspec.completions = 2\nspec.successPolicy = {\"rules\":[{\"succeededIndexes\":\"0\"}]}\nspec.backoffLimitPerIndex = 1").Defaulted(BatchKinds.Job, ctx);
        Assert.Empty(Validation.Validate(BatchKinds.Job, job, null, ctx));
        Assert.Equal(["spec.backoffLimitPerIndex is stored but not honoured by Serval", "spec.successPolicy is stored but not honoured by Serval"], warnings);
    }

    private static string Errors(JsonObject job, JsonObject? old) =>
        string.Join(" ; ", Validation.Validate(BatchKinds.Job, job, old, new AdmissionContext()).Select(e => $"{e.Field}: {e.Message}"));
}
