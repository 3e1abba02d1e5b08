using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Access;

/// <summary>Reviews and requests for tokens that ask for what cannot be: kube-apiserver 1.36.2's words.</summary>
public sealed class ReviewRulesTests : AccessServerTests
{
    private const string Both = "Invalid value: {\"Path\":\"/x\",\"Verb\":\"get\"}: ";
    private const string Neither = "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
    private const string Nobody = "spec.user: Invalid value: \"\": at least one of user or group must be specified";
    private const string Resource = "\"resourceAttributes\":{\"namespace\":\"one\",\"verb\":\"get\",\"resource\":\"pods\"";
    private const string Path = "\"nonResourceAttributes\":{\"path\":\"/x\",\"verb\":\"get\"}";

    [Theory]
    [InlineData("selfsubjectaccessreviews", "", "{}", Neither)]
    [InlineData("selfsubjectaccessreviews", "", "{" + Resource + "}," + Path + "}", "spec.nonResourceAttributes: " + Both + "cannot be specified in combination with resourceAttributes")]
    [InlineData("subjectaccessreviews", "", "{}", "[" + Neither + ", " + Nobody + "]")]
    [InlineData("subjectaccessreviews", "", "{" + Resource + "}}", Nobody)]
    [InlineData("subjectaccessreviews", "\"labels\":{\"a\":\"b\"}", "{\"user\":\"u\"," + Resource + "}}", "metadata: Invalid value: {\"labels\":{\"a\":\"b\"}}: must be empty")]
    [InlineData("namespaces/one/localsubjectaccessreviews", "", "{\"user\":\"u\"," + Path + "}", "spec.nonResourceAttributes: " + Both + "disallowed on this kind of request")]
    [InlineData("namespaces/one/localsubjectaccessreviews", "", "{\"user\":\"u\",\"resourceAttributes\":{}}", "spec.resourceAttributes.namespace: Invalid value: \"\": must match metadata.namespace")]
    [InlineData("selfsubjectaccessreviews", "", "{" + Resource + ",\"labelSelector\":{}}}",
        "spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required")]
    [InlineData("selfsubjectaccessreviews", "", "{" + Resource + ",\"fieldSelector\":{\"rawSelector\":\"a=b\",\"requirements\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\"]}]}}}",
        "spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"a=b\": may not specified at the same time as requirements")]
    [InlineData("selfsubjectaccessreviews", "", "{" + Resource + ",\"fieldSelector\":{\"requirements\":[{\"operator\":\"Exists\",\"values\":[\"b\"]}]}}}",
        "[spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, spec.resourceAttributes.fieldSelector.requirements[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist']")]
    public async Task Question_ThatIsNone_IsToldAsUpstream(string resource, string metadata, string spec, string causes)
    {
        var (code, body) = await SendAsync(Server.Client, "POST", $"/apis/authorization.k8s.io/v1/{resource}", $$"""{"metadata":{{{metadata}}},"spec":{{spec}}}""");
        Assert.Equal((422, $".authorization.k8s.io \"\" is invalid: {causes}"), (code, (string?)body!["message"]));
    }

    [Fact]
    public async Task Selector_ThatCannotBeRead_NarrowsNothing_AndIsTold()
    {
        var (code, body) = await SendAsync(Server.Client, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            "{\"spec\":{" + Resource + ",\"group\":\"\",\"labelSelector\":{\"requirements\":[{\"key\":\"a\",\"operator\":\"Odd\"}]}}}}");
        Assert.Equal((201, "spec.resourceAttributes.labelSelector ignored due to parse error"), (code, (string?)body!["status"]!["evaluationError"]));
        Assert.Null(body["spec"]!["resourceAttributes"]!["group"]);
        Assert.Equal("{}", body["metadata"]!.ToJsonString());
    }

    [Theory]
    [InlineData("""{"spec":{"boundObjectRef":{"kind":"ConfigMap","apiVersion":"v1","name":"x"}}}""", 400, "cannot bind token to object of type /v1, Kind=ConfigMap")]
    [InlineData("""{"spec":{"boundObjectRef":{"kind":"Pod","apiVersion":"v2","name":"x"}}}""", 404, "pods \"x\" not found")]
    [InlineData("""{"metadata":{"name":"other"}}""", 422,
        "TokenRequest.authentication.k8s.io \"robot\" is invalid: metadata.name: Invalid value: \"other\": must match the service account name if specified")]
    [InlineData("""{"metadata":{"uid":"other"}}""", 409,
        "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"robot\": the UID in the token request (other) does not match the UID of the service account (UID)")]
    [InlineData("""{"spec":{"odd":1}}""", 400, "TokenRequest in version \"v1\" cannot be handled as a TokenRequest: strict decoding error: unknown field \"spec.odd\"")]
    [InlineData("{}", 201, "")]
    public async Task Token_IsAskedForAsUpstream(string body, int code, string message)
    {
        var uid = (string)(await AdminAsync("/api/v1/namespaces/one/serviceaccounts", """{"metadata":{"name":"robot"}}"""))["metadata"]!["uid"]!;
        var (answered, answer) = await SendAsync(Server.Client, "POST", "/api/v1/namespaces/one/serviceaccounts/robot/token?fieldValidation=Strict", body);
        Assert.Equal((code, message.Replace("UID)", uid + ")", StringComparison.Ordinal)), (answered, (string?)answer!["message"] ?? ""));
        if (code == 201)
        {
            Assert.Equal((uid, "robot", "one"), ((string?)answer["metadata"]!["uid"], (string?)answer["metadata"]!["name"], (string?)answer["metadata"]!["namespace"]));
            Assert.True(answer["metadata"]!["creationTimestamp"] is not null && answer["spec"]!.AsObject().ContainsKey("boundObjectRef"));
        }
    }

    /// <summary>A label makes a role part of others: whoever sets one grants what the role holds.</summary>
    [Theory]
    [InlineData("""{"labels":{"a":"b"}}""", 403)]
    [InlineData("""{"finalizers":["a.example/b"]}""", 200)]
    public async Task Label_OfARoleThatHoldsMore_IsAGrant(string metadata, int expected)
    {
        await AdminAsync($"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"big"},"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]}""");
        await AdminAsync($"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"writer"},"rules":[{"verbs":["get","patch"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles"]}]}""");
        await BindAsync("one", "writer", "User", "ann", "Role");
        using var ann = Server.ConnectAs("ann");
        using var content = new StringContent($$"""{"metadata":{{metadata}}}""", System.Text.Encoding.UTF8, "application/merge-patch+json");
        using var response = await ann.PatchAsync($"{Rbac}/namespaces/one/roles/big", content);
        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("{\"metadata\":{\"name\":\"p\"},\"spec\":{\"minAvailable\":1,\"selector\":{}}}", "poddisruptionbudgets", "{\"disruptionsAllowed\":-1}", "status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("{\"metadata\":{\"name\":\"p\"},\"spec\":{\"minAvailable\":1,\"selector\":{}}}", "poddisruptionbudgets", "{\"currentHealthy\":1}", "")]
    public async Task Status_OfABudget_HoldsNumbersThatCanBe(string body, string resource, string status, string refused)
    {
        await AdminAsync($"/apis/policy/v1/namespaces/one/{resource}", body);
        using var content = new StringContent($$"""{"status":{{status}}}""", System.Text.Encoding.UTF8, "application/merge-patch+json");
        using var response = await Server.Client.PatchAsync($"/apis/policy/v1/namespaces/one/{resource}/p/status", content);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(refused.Length == 0 ? 200 : 422, (int)response.StatusCode);
        Assert.EndsWith(refused, refused.Length == 0 ? "" : (string?)answer["message"], StringComparison.Ordinal);
    }
}
