using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>What containers may ask for, in the words of kube-apiserver 1.36.2.</summary>
public sealed class PodResourceRulesTests
{
    private const string One = "spec.containers[0].resources";

    public static TheoryData<string, string> Bad => new()
    {
        { """{"limits":{"foo":"1"},"requests":{"cpu":"1"}}""", $"{One}.limits[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified, {One}.limits[foo]: Invalid value: \"foo\": must be a standard resource for containers" },
        { """{"requests":{"pods":"1"}}""", $"{One}.requests[pods]: Invalid value: \"pods\": must be a standard resource for containers" },
        { """{"limits":{"storage":"1"}}""", $"{One}.limits[storage]: Invalid value: \"storage\": must be a standard resource for containers" },
        { """{"limits":{"requests.cpu":"1"}}""", "must be a standard resource for containers" },
        { """{"limits":{"CPU":"1"}}""", "\"CPU\": must be a standard resource type or fully qualified" },
        { """{"limits":{"x/":"1"}}""", $"{One}.limits[x/]: Invalid value: \"x/\": name part must be non-empty, {One}.limits[x/]: Invalid value: \"x/\": name part must consist of" },
        { """{"limits":{"requests.nvidia.com/gpu":"1"}}""", "doesn't follow extended resource name standard" },
        { """{"limits":{"nvidia.com/gpu":"500m"}}""", $"{One}.limits[nvidia.com/gpu]: Invalid value: \"500m\": must be an integer" },
        { """{"requests":{"nvidia.com/gpu":"1"}}""", $"{One}.limits: Required value: Limit must be set for non overcommitable resources" },
        { """{"limits":{"a/b":"2"},"requests":{"a/b":"1"}}""", $"{One}.requests: Invalid value: \"1\": must be equal to a/b limit of 2" },
        { """{"limits":{"cpu":"1"},"requests":{"cpu":"1500m"}}""", $"{One}.requests: Invalid value: \"1500m\": must be less than or equal to cpu limit of 1" },
        { """{"limits":{"memory":"-1"}}""", $"{One}.limits[memory]: Invalid value: \"-1\": must be greater than or equal to 0" },
        { """{"limits":{"hugepages-2Mi":"2Mi"}}""", $"{One}: Forbidden: HugePages require cpu or memory" },
        { """{"limits":{"hugepages-2Mi":"3Mi","cpu":"1"}}""", $"{One}.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi" },
        { """{"limits":{"hugepages-x":"3Mi","cpu":"1"}}""", "3Mi is not positive integer multiple of hugepages-x" },
        { """{"limits":{"hugepages-0":"3Mi","cpu":"1"}}""", "3Mi is not positive integer multiple of hugepages-0" },
        { """{"limits":{"memory":"1Gi"},"requests":{"hugepages-2Mi":"2Mi"}}""", $"{One}.limits: Required value: Limit must be set for non overcommitable resources" },
        { """{"claims":[{"name":"x"}]}""", $"{One}.claims[0]: Not found: \"x\": must be one of the names in pod.spec.resourceClaims which is empty" },
        { """{"claims":[{}]}""", $"{One}.claims[0]: Required value" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Container_BadResources_IsInvalid(string resources, string expected) => Assert.Contains(expected, Refusal($"{One} = {resources}"), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"limits":{"cpu":"1","memory":"1Gi","ephemeral-storage":"1Gi"},"requests":{"cpu":"500m"}}""")]
    [InlineData("""{"limits":{"nvidia.com/gpu":"100P"}}""")]
    [InlineData("""{"limits":{"nvidia.com/gpu":"0.9999999"}}""")]
    [InlineData("""{"limits":{"x.kubernetes.io/y":"500m"},"requests":{"kubernetes.io/x":"1"}}""")]
    [InlineData("""{"limits":{"hugepages-2Mi":"4Mi","cpu":"1"}}""")]
    [InlineData("""{"limits":{"hugepages-1Gi":"1Gi","memory":"1Gi"}}""")]
    public void Container_GoodResources_Passes(string resources) => Assert.Empty(Errors($"{One} = {resources}"));

    [Theory]
    [InlineData("spec.resourceClaims = [{\"name\":\"x\",\"resourceClaimName\":\"c\"}]\n" + One + ".claims = [{\"name\":\"x\"},{\"name\":\"x\"}]", One + ".claims[1]: Duplicate value: \"x\"")]
    [InlineData("spec.resourceClaims = [{\"name\":\"x\",\"resourceClaimName\":\"c\"}]\n" + One + ".claims = [{\"name\":\"x\",\"request\":\"r\"},{\"name\":\"x\"}]", One + ".claims[1]: Duplicate value: \"x\"")]
    [InlineData("spec.resourceClaims = [{\"name\":\"x\"}]", "spec.resourceClaims[0]: Invalid value: {\"Name\":\"x\",\"ResourceClaimName\":null,\"ResourceClaimTemplateName\":null}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")]
    [InlineData("spec.containers[0].resizePolicy = [{\"resourceName\":\"foo\",\"restartPolicy\":\"Bar\"},{\"resourceName\":\"foo\",\"restartPolicy\":\"NotRequired\"}]", "resizePolicy: Unsupported value: \"foo\": supported values: \"cpu\", \"memory\", spec.containers[0].resizePolicy: Unsupported value: \"Bar\": supported values: \"NotRequired\", \"RestartContainer\", spec.containers[0].resizePolicy[1]: Duplicate value: \"foo\"]")]
    [InlineData("spec.restartPolicy = \"Never\"\nspec.containers[0].resizePolicy = [{\"resourceName\":\"cpu\",\"restartPolicy\":\"RestartContainer\"}]", "resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'")]
    [InlineData("spec.initContainers = [{\"name\":\"i\",\"image\":\"a\",\"resizePolicy\":[{\"resourceName\":\"cpu\",\"restartPolicy\":\"RestartContainer\"}]}]", "spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": must not be set to 'RestartContainer' for non-sidecar initContainers")]
    [InlineData("spec.resources = {\"limits\":{\"ephemeral-storage\":\"1\"}}", "spec.resources.limits[ephemeral-storage]: Unsupported value: \"ephemeral-storage\": supported values: \"cpu\", \"hugepages-\", \"memory\"")]
    [InlineData("spec.resources = {\"claims\":[]}", "spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level")]
    [InlineData("spec.overhead = {\"foo\":\"1\"}", "spec.overhead.limits[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified")]
    public void Pod_BadResources_IsInvalid(string edits, string expected) => Assert.Contains(expected, Refusal(edits), StringComparison.Ordinal);

    /// <summary>What ran before there were these rules goes on: its pods are made, and the rest of its template can change.</summary>
    [Theory]
    [InlineData("""{"containers":[{"name":"c","image":"IMAGE","resources":{"requests":{"nvidia.com/gpu":"1"}}}]}""")]
    [InlineData("""{"containers":[{"name":"c","image":"IMAGE"}],"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}}""")]
    [InlineData("""{"containers":[{"name":"c","image":"IMAGE"}],"topologySpreadConstraints":[{"maxSkew":0}],"resources":{"limits":{"foo":"1"}}}""")]
    public void WhatWasStoredBefore_IsNotJudgedAgain(string spec)
    {
        var (now, before) = (Template(spec, "b"), Template(spec, "a"));
        Assert.Empty(Problems(to => PodRules.Template(now, before, "spec.template", to, "Always")));
        Assert.NotEmpty(Problems(to => PodRules.Template(now, null, "spec.template", to, "Always")));
        Assert.Empty(Problems(to => PodRules.Pod(now, null, to, "", ofTemplate: true)));
        Assert.NotEmpty(Problems(to => PodRules.Pod(now, null, to, "")));
        now["spec"]!["containers"]![0]!["resources"] = JsonNode.Parse("""{"limits":{"bar":"1"}}""");
        Assert.NotEmpty(Problems(to => PodRules.Template(now, before, "spec.template", to, "Always")));

        static JsonObject Template(string spec, string image) => new() { ["spec"] = JsonNode.Parse(spec.Replace("IMAGE", image, StringComparison.Ordinal)) };
    }

    /// <summary>Each claim that is not there tells those that are: of a large body that would be gigabytes.</summary>
    [Fact]
    public void ManyClaims_AreToldInBounds()
    {
        var pod = new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["resourceClaims"] = new JsonArray([.. Enumerable.Range(0, 20_000).Select(i => new JsonObject { ["name"] = $"claim-{i}", ["resourceClaimName"] = "x" })]),
                ["containers"] = new JsonArray(new JsonObject
                {
                    ["name"] = "c", ["image"] = "i",
                    ["resources"] = new JsonObject { ["claims"] = new JsonArray([.. Enumerable.Range(0, 20_000).Select(i => new JsonObject { ["name"] = $"none-{i}", ["request"] = i % 2 == 0 ? "r" : "" })]) },
                }),
            },
        };
        Assert.All(Problems(to => PodRules.Pod(pod, null, to, "")), p => Assert.InRange(p.Message.Length, 1, 3000));
    }

    private static IReadOnlyList<FieldError> Problems(Action<Problems> check)
    {
        var to = new Problems();
        check(to);
        return to.List;
    }

    [Fact]
    public void Refusal_OfTheSameTwice_SaysItOnce()
    {
        var errors = Errors($"{One} = {{\"requests\":{{\"a/b\":\"1\",\"a/c\":\"1\"}}}}");
        Assert.Equal(2, errors.Count);
        Assert.Equal($"Pod \"p\" is invalid: {One}.limits: Required value: Limit must be set for non overcommitable resources", Validation.ToException(Kinds.Pod, "p", errors).Message);
    }

    private static string Refusal(string edits) => Validation.ToException(Kinds.Pod, "p", Errors(edits)).Message;

    private static IReadOnlyList<FieldError> Errors(string edits)
    {
        var ctx = new AdmissionContext();
        var tree = Edits.Parse("""{"metadata":{"name":"p","namespace":"d"},"spec":{"containers":[{"name":"c","image":"a"}]}}""").Edit(edits).Defaulted(Kinds.Pod, ctx);
        return Validation.Validate(Kinds.Pod, tree, null, ctx);
    }
}
