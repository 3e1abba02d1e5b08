using System.Net;
using System.Text.Json.Nodes;
using Serval.Api.Access;

namespace Serval.ApiServer.Tests.Access;

/// <summary>Several users at the door, over the real store with the roles every cluster has.</summary>
public sealed class AccessTests : AccessServerTests
{
    private const string Pods = "/api/v1/namespaces/one/pods";

    [Theory]
    [InlineData("view", "GET", "/api/v1/namespaces/one/pods", "")]
    [InlineData("view", "GET", "/api/v1/namespaces/one/pods?watch=true&timeoutSeconds=1", "")]
    [InlineData("view", "GET", "/apis/serving.knative.dev/v1/namespaces/one/services", "")]
    [InlineData("view", "GET", "/apis/apps/v1/namespaces/one/deployments", "")]
    [InlineData("view", "GET", "/api/v1/namespaces/one", "")]
    [InlineData("view", "GET", "/version", "")]
    [InlineData("view", "GET", "/openapi/v3", "")]
    [InlineData("view", "GET", "/apis", "")]
    [InlineData("view", "GET", "/apis/serving.knative.dev/v1", "")]
    [InlineData("view", "GET", "/", "forbidden: User \"ann\" cannot get path \"/\"")]
    [InlineData("view", "GET", "/api/v1/namespaces/two/pods", "pods is forbidden: User \"ann\" cannot list resource \"pods\" in API group \"\" in the namespace \"two\"")]
    [InlineData("view", "GET", "/api/v1/pods", "pods is forbidden: User \"ann\" cannot list resource \"pods\" in API group \"\" at the cluster scope")]
    [InlineData("view", "GET", "/api/v1/namespaces/one/secrets/x", "secrets \"x\" is forbidden: User \"ann\" cannot get resource \"secrets\" in API group \"\" in the namespace \"one\"")]
    [InlineData("view", "GET", "/api/v1/namespaces/one/pods/x/exec", "pods \"x\" is forbidden: User \"ann\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"one\"")]
    [InlineData("view", "DELETE", "/apis/apps/v1/namespaces/one/deployments", "deployments.apps is forbidden: User \"ann\" cannot deletecollection resource \"deployments\" in API group \"apps\" in the namespace \"one\"")]
    [InlineData("view", "GET", "/api/v1/nodes", "nodes is forbidden: User \"ann\" cannot list resource \"nodes\" in API group \"\" at the cluster scope")]
    [InlineData("view", "GET", "/nothing", "forbidden: User \"ann\" cannot get path \"/nothing\"")]
    [InlineData("edit", "GET", "/api/v1/namespaces/one/secrets", "")]
    [InlineData("edit", "DELETE", "/apis/serving.knative.dev/v1/namespaces/one/services/x", "404")]
    [InlineData("edit", "PUT", "/apis/apps/v1/namespaces/one/deployments/x/scale", "400")]
    [InlineData("edit", "GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/one/roles", "roles.rbac.authorization.k8s.io is forbidden: User \"ann\" cannot list resource \"roles\" in API group \"rbac.authorization.k8s.io\" in the namespace \"one\"")]
    [InlineData("edit", "DELETE", "/api/v1/namespaces/one", "namespaces \"one\" is forbidden: User \"ann\" cannot delete resource \"namespaces\" in API group \"\" in the namespace \"one\"")]
    [InlineData("admin", "GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/one/roles", "")]
    [InlineData("admin", "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "clusterroles.rbac.authorization.k8s.io is forbidden: User \"ann\" cannot list resource \"clusterroles\" in API group \"rbac.authorization.k8s.io\" at the cluster scope")]
    [InlineData("cluster-admin", "DELETE", "/api/v1/namespaces/one/pods", "")]
    public async Task Role_BoundInANamespace_OpensWhatItNames(string role, string method, string path, string refusal)
    {
        await BindAsync("one", role, "User", "ann");
        using var ann = Server.ConnectAs("ann", "devs");
        var (code, body) = await SendAsync(ann, method, path);
        if (refusal.Length == 3)
        {
            Assert.Equal(refusal, $"{code}");
            return;
        }
        Assert.Equal(refusal.Length == 0 ? 200 : 403, code);
        if (refusal.Length > 0)
        {
            Assert.Equal(refusal, (string?)body!["message"]);
            Assert.Equal("Forbidden", (string?)body["reason"]);
        }
    }

    [Fact]
    public async Task Binding_Deleted_RevokesAtOnce_AndItsRoleMayComeLater()
    {
        using var ann = Server.ConnectAs("ann", "devs");
        await AdminAsync($"{Rbac}/namespaces/one/rolebindings", """{"metadata":{"name":"b"},"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"Group","name":"devs"}]}""");
        var (_, missing) = await SendAsync(ann, "GET", Pods);
        Assert.EndsWith(": RBAC: role.rbac.authorization.k8s.io \"r\" not found", (string?)missing!["message"], StringComparison.Ordinal);
        await AdminAsync($"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"r"},"rules":[{"verbs":["list"],"apiGroups":[""],"resources":["pods"]}]}""");
        Assert.Equal(200, (await SendAsync(ann, "GET", Pods)).Code);
        await Server.SendAsync(HttpMethod.Delete, $"{Rbac}/namespaces/one/rolebindings/b");
        Assert.Equal(403, (await SendAsync(ann, "GET", Pods)).Code);
    }

    [Fact]
    public async Task Certificate_Expired_IsNobody_AlsoOnAnOpenConnection()
    {
        await BindAsync("one", "view", "User", "ann");
        using var ann = Server.ConnectAs("ann");
        Assert.Equal(200, (await SendAsync(ann, "GET", Pods)).Code);
        Server.Clock.Advance(TimeSpan.FromDays(2));
        var (code, body) = await SendAsync(ann, "GET", Pods);
        Assert.Equal((401, "Unauthorized"), (code, (string?)body!["message"]));
    }

    /// <summary>Who holds view and may write roles grants no more than that.</summary>
    [Theory]
    [InlineData("roles", """ "rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}] """, "")]
    [InlineData("roles", """ "rules":[{"verbs":["get","update"],"apiGroups":["","apps"],"resources":["secrets"],"resourceNames":["x"]}] """,
        "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"x\"], Verbs:[\"get\" \"update\"]}\n{APIGroups:[\"apps\"], Resources:[\"secrets\"], ResourceNames:[\"x\"], Verbs:[\"get\" \"update\"]}")]
    [InlineData("roles", """ "rules":[{"verbs":["*"],"apiGroups":[""],"resources":["pods"]}] """, "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"*\"]}")]
    [InlineData("rolebindings", """ "roleRef":{"kind":"ClusterRole","name":"view"} """, "")]
    [InlineData("rolebindings", """ "roleRef":{"kind":"ClusterRole","name":"cluster-admin"} """, "{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}")]
    [InlineData("rolebindings", """ "roleRef":{"kind":"ClusterRole","name":"none"} """, "404")]
    public async Task Grant_OfMoreThanOneHolds_IsRefused(string resource, string body, string missing)
    {
        await BindAsync("one", "view", "User", "ann");
        await AdminAsync($"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"granter"},"rules":[{"verbs":["*"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"],"resourceNames":["x"]},{"verbs":["create"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings"]}]}""");
        await BindAsync("one", "granter", "User", "ann", "Role");
        using var ann = Server.ConnectAs("ann", "devs");
        var (code, answer) = await SendAsync(ann, "POST", $"{Rbac}/namespaces/one/{resource}", $$"""{"metadata":{"name":"x"},{{body}}}""");
        Assert.Equal(missing switch { "" => 201, "404" => 404, _ => 403 }, code);
        if (code == 403)
        {
            Assert.Equal(
                $"{resource}.rbac.authorization.k8s.io \"x\" is forbidden: user \"ann\" (groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{missing}",
                (string?)answer!["message"]);
        }
    }

    /// <summary>Rules whose permissions are 2^64, and two of 2^62 each: neither the product nor the sum fits into 64 bits.</summary>
    [Theory]
    [InlineData(1, 65_536)]
    [InlineData(2, 16_384)]
    public async Task Grant_OfMoreThanCanBeCounted_IsRefused(int rules, int names)
    {
        await AdminAsync($"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"granter"},"rules":[{"verbs":["create"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles"]}]}""");
        await BindAsync("one", "granter", "User", "ann", "Role");
        using var ann = Server.ConnectAs("ann");
        var rule = $$"""{"verbs":[{{Many(65_536)}}],"apiGroups":[{{Many(65_536)}}],"resources":[{{Many(65_536)}}],"resourceNames":[{{Many(names)}}]}""";
        var (code, answer) = await SendAsync(
            ann, "POST", $"{Rbac}/namespaces/one/roles", $$"""{"metadata":{"name":"x"},"rules":[{{string.Join(',', Enumerable.Repeat(rule, rules))}}]}""");
        Assert.Equal(403, code);
        Assert.Contains("the rules hold more than 10000 single permissions", (string?)answer!["message"], StringComparison.Ordinal);

        static string Many(int count) => string.Join(',', Enumerable.Repeat("\"a\"", count));
    }

    [Fact]
    public async Task Grant_ByWhoMayEscalateOrBind_Passes()
    {
        await AdminAsync($"{Rbac}/clusterroles", """{"metadata":{"name":"security"},"rules":[{"verbs":["create","escalate","bind"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","rolebindings","clusterroles"]}]}""");
        await BindAsync("one", "security", "User", "sue");
        using var sue = Server.ConnectAs("sue");
        Assert.Equal(201, (await SendAsync(sue, "POST", $"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"all"},"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]}""")).Code);
        Assert.Equal(201, (await SendAsync(sue, "POST", $"{Rbac}/namespaces/one/rolebindings", """{"metadata":{"name":"all"},"roleRef":{"kind":"ClusterRole","name":"cluster-admin"}}""")).Code);
    }

    [Fact]
    public async Task Update_ThatMayNotCreate_CreatesNothing()
    {
        await AdminAsync($"{Rbac}/namespaces/one/roles", """{"metadata":{"name":"put"},"rules":[{"verbs":["update","patch"],"apiGroups":["coordination.k8s.io"],"resources":["leases"]}]}""");
        await BindAsync("one", "put", "User", "ann", "Role");
        using var ann = Server.ConnectAs("ann");
        var (code, body) = await SendAsync(ann, "PUT", "/apis/coordination.k8s.io/v1/namespaces/one/leases/x", """{"metadata":{"name":"x"}}""");
        Assert.Equal((403, "leases.coordination.k8s.io \"x\" is forbidden: User \"ann\" cannot create resource \"leases\" in API group \"coordination.k8s.io\" in the namespace \"one\""),
            (code, (string?)body!["message"]));
        Assert.Equal(403, (await SendAsync(ann, "PATCH", "/apis/coordination.k8s.io/v1/namespaces/one/leases/x?fieldManager=me", """{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"x"}}""", "application/apply-patch+yaml")).Code);
        Assert.Equal(404, (await SendAsync(Server.Client, "GET", "/apis/coordination.k8s.io/v1/namespaces/one/leases/x")).Code);
    }

    [Theory]
    [InlineData("selfsubjectaccessreviews", """{"resourceAttributes":{"namespace":"one","verb":"list","resource":"pods"}}""", true)]
    [InlineData("selfsubjectaccessreviews", """{"resourceAttributes":{"namespace":"two","verb":"list","resource":"pods"}}""", false)]
    [InlineData("selfsubjectaccessreviews", """{"resourceAttributes":{"verb":"*","group":"*","resource":"*"}}""", false)]
    [InlineData("selfsubjectaccessreviews", """{"nonResourceAttributes":{"path":"/version","verb":"get"}}""", true)]
    [InlineData("selfsubjectaccessreviews", """{"nonResourceAttributes":{"path":"/metrics","verb":"get"}}""", false)]
    public async Task SelfReview_IsOfTheAsker(string resource, string spec, bool allowed)
    {
        await BindAsync("one", "view", "User", "ann");
        using var ann = Server.ConnectAs("ann");
        var (code, body) = await SendAsync(ann, "POST", $"/apis/authorization.k8s.io/v1/{resource}", $$"""{"spec":{{spec}}}""");
        Assert.Equal((201, allowed), (code, (bool)body!["status"]!["allowed"]!));
    }

    [Theory]
    [InlineData("", """{"user":"ann","resourceAttributes":{"namespace":"one","verb":"list","resource":"pods"}}""", "True RBAC: allowed by RoleBinding \"view-ann/one\" of ClusterRole \"view\" to User \"ann\"")]
    [InlineData("", """{"user":"x","groups":["system:masters"],"resourceAttributes":{"verb":"delete","resource":"nodes"}}""", "True ")]
    [InlineData("", """{"user":"ann","resourceAttributes":{"verb":"list","resource":"pods"}}""", "False ")]
    [InlineData("", """{"resourceAttributes":{"verb":"list","resource":"pods"}}""", "422 spec.user")]
    [InlineData("", """{"user":"ann"}""", "422 spec.resourceAttributes")]
    [InlineData("", """{"user":"ann","resourceAttributes":{"verb":"get"},"nonResourceAttributes":{"path":"/"}}""", "422 spec.nonResourceAttributes")]
    [InlineData("", """{"user":"ann","resourceAttributes":"pods"}""", "400 ")]
    [InlineData("one", """{"user":"ann","resourceAttributes":{"namespace":"one","verb":"list","resource":"pods"}}""", "True RBAC: allowed by RoleBinding \"view-ann/one\" of ClusterRole \"view\" to User \"ann\"")]
    [InlineData("one", """{"user":"ann","resourceAttributes":{"namespace":"two","verb":"list","resource":"pods"}}""", "422 spec.resourceAttributes.namespace")]
    [InlineData("one", """{"user":"ann","nonResourceAttributes":{"path":"/"}}""", "422 spec.nonResourceAttributes")]
    public async Task Review_OfSomebody_IsAnsweredByHisRoles(string ns, string spec, string expected)
    {
        await BindAsync("one", "view", "User", "ann");
        var path = ns.Length > 0 ? $"namespaces/{ns}/localsubjectaccessreviews" : "subjectaccessreviews";
        var (code, body) = await SendAsync(Server.Client, "POST", $"/apis/authorization.k8s.io/v1/{path}", $$"""{"spec":{{spec}}}""");
        Assert.Equal(expected, code == 201
            ? $"{(bool)body!["status"]!["allowed"]!} {body["status"]!["reason"]}"
            : $"{code} {body!["details"]?["causes"]?[0]?["field"]}");
    }

    [Fact]
    public async Task RulesReview_ListsTheAskersRules()
    {
        await BindAsync("one", "view", "User", "ann");
        using var ann = Server.ConnectAs("ann");
        const string path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        var (_, mine) = await SendAsync(ann, "POST", path, """{"spec":{"namespace":"one"}}""");
        Assert.Contains(mine!["status"]!["resourceRules"]!.AsArray(), r => r!["resources"]!.AsArray().Any(n => (string?)n == "pods"));
        Assert.False((bool)mine["status"]!["incomplete"]!);
        var (_, elsewhere) = await SendAsync(ann, "POST", path, """{"spec":{"namespace":"two"}}""");
        Assert.DoesNotContain(elsewhere!["status"]!["resourceRules"]!.AsArray(), r => r!["resources"]!.AsArray().Any(n => (string?)n == "pods"));
        Assert.Equal(400, (await SendAsync(ann, "POST", path, """{"spec":{}}""")).Code);
        var (_, all) = await SendAsync(Server.Client, "POST", path, """{"spec":{"namespace":"one"}}""");
        Assert.Equal("""{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}""", Assert.Single(all!["status"]!["resourceRules"]!.AsArray())!.ToJsonString());
    }

    [Theory]
    [InlineData("Impersonate-User: ann", "200 {\"groups\":[\"system:authenticated\"],\"username\":\"ann\"}")]
    [InlineData("Impersonate-User: ann; Impersonate-Group: a; Impersonate-Uid: 7; Impersonate-Extra-Scope: x",
        "200 {\"extra\":{\"scope\":[\"x\"]},\"groups\":[\"a\",\"system:authenticated\"],\"uid\":\"7\",\"username\":\"ann\"}")]
    [InlineData("Impersonate-User: system:serviceaccount:one:robot",
        "200 {\"groups\":[\"system:serviceaccounts\",\"system:serviceaccounts:one\",\"system:authenticated\"],\"username\":\"system:serviceaccount:one:robot\"}")]
    [InlineData("Impersonate-Group: a", "400")]
    public async Task Impersonation_ByAnAdministrator_IsThatUser(string headers, string expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews") { Content = Json("{}") };
        foreach (var header in headers.Split("; ").Select(h => h.Split(": ")))
        {
            request.Headers.Add(header[0], header[1]);
        }
        using var response = await Server.Client.SendAsync(request);
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(expected, response.StatusCode == HttpStatusCode.Created ? $"200 {body["status"]!["userInfo"]!.ToJsonString()}" : $"{(int)response.StatusCode}");
    }

    [Fact]
    public async Task Impersonation_WithoutTheRight_IsForbidden()
    {
        await BindAsync("one", "edit", "User", "ann");
        using var ann = Server.ConnectAs("ann");
        foreach (var (user, refusal) in new[]
        {
            ("bob", "users \"bob\" is forbidden: User \"ann\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"),
            ("system:serviceaccount:two:x", "serviceaccounts \"x\" is forbidden: User \"ann\" cannot impersonate resource \"serviceaccounts\" in API group \"\" in the namespace \"two\""),
            ("system:serviceaccount:one:x", "pods is forbidden: User \"system:serviceaccount:one:x\" cannot list resource \"pods\" in API group \"\" in the namespace \"one\""),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Pods);
            request.Headers.Add("Impersonate-User", user);
            using var response = await ann.SendAsync(request);
            Assert.Equal(refusal, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["message"]);
        }
    }

    [Fact]
    public void BootstrapRoles_AreAggregated()
    {
        var roles = BootstrapRoles.ClusterRoles().ToDictionary(r => r.Metadata.Name);
        foreach (var (role, below) in new[] { ("edit", "view"), ("admin", "edit") })
        {
            var held = roles[role].As<RoleView>().Rules;
            Assert.All(roles[below].ToTree()["rules"]!.AsArray(), rule => Assert.Contains(roles[role].ToTree()["rules"]!.AsArray(), r => JsonNode.DeepEquals(r, rule)));
            Assert.Contains(held, r => r.ApiGroups.Contains("serving.knative.dev"));
        }
    }
}
