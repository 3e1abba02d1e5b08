using Serval.Api;
using Serval.Api.Access;
using Serval.ApiServer.Certificates;
using Serval.Kube;
using Serval.Kube.Remote;

namespace Serval.ApiServer.Tests.Access;

/// <summary>Serval's roles at the door, each in a process of its own.</summary>
public sealed class RoleProcessTests : AccessServerTests
{
    private const string Maps = "/api/v1/namespaces/one/configmaps";

    [Fact]
    public async Task Kubeconfigs_AreEachRolesOwn_AndRenewed()
    {
        await PlantAsync();
        Server.Host.WriteRoleKubeconfigs();
        foreach (var role in (string[])["controller", "gateway", "node"])
        {
            var file = Path.Combine(Server.DataDirectory, $"kubeconfig-{role}");
            Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
            using var client = new HttpClient(KubeConfig.Read(file, "", TimeProvider.System).CreateHandler()) { BaseAddress = Server.Host.Address };
            var (code, review) = await SendAsync(client, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
            Assert.Equal((201, $"system:serval-{role}"), (code, (string?)review!["status"]!["userInfo"]!["username"]));
            Assert.Equal(["system:serval", "system:authenticated"], review["status"]!["userInfo"]!["groups"]!.AsArray().Select(g => (string?)g));
        }
        var before = await File.ReadAllTextAsync(Path.Combine(Server.DataDirectory, "kubeconfig-node"));
        Server.Clock.Advance(TimeSpan.FromDays(340));
        using (var fresh = Server.Connect(withCertificate: false))
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => fresh.GetAsync("/livez")); // to the client it is still today, but a handshake looks at the certificates
        }
        Assert.NotEqual(before, await File.ReadAllTextAsync(Path.Combine(Server.DataDirectory, "kubeconfig-node")));
    }

    [Theory]
    [InlineData("controller", "DELETE", "/apis/batch/v1/namespaces/one/jobs/x", 404)]
    [InlineData("controller", "PATCH", "/apis/serving.knative.dev/v1/namespaces/one/services/x/status", 404)]
    [InlineData("controller", "POST", "/api/v1/namespaces/one/pods", 422)]
    [InlineData("controller", "POST", "/api/v1/nodes", 403)]
    [InlineData("controller", "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", 403)]
    [InlineData("controller", "POST", "/api/v1/namespaces/knative-serving/serviceaccounts/serval-controller/token", 201)]
    [InlineData("controller", "POST", "/api/v1/namespaces/knative-serving/serviceaccounts/serval-node/token", 403)]
    [InlineData("gateway", "GET", "/apis/networking.internal.knative.dev/v1alpha1/ingresses", 200)]
    [InlineData("gateway", "GET", "/api/v1/secrets", 200)]
    [InlineData("gateway", "DELETE", "/apis/coordination.k8s.io/v1/namespaces/knative-serving/leases/x", 404)]
    [InlineData("gateway", "DELETE", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/x", 403)]
    [InlineData("gateway", "PATCH", "/api/v1/namespaces/one/pods/x/status", 403)]
    [InlineData("gateway", "POST", "/api/v1/namespaces/one/secrets", 403)]
    [InlineData("gateway", "POST", "/api/v1/namespaces/knative-serving/serviceaccounts/serval-gateway/token", 201)]
    [InlineData("node", "PATCH", "/api/v1/namespaces/one/pods/x/status", 404)]
    [InlineData("node", "DELETE", "/api/v1/namespaces/one/pods/x", 404)]
    [InlineData("node", "POST", "/api/v1/namespaces/one/pods", 403)]
    [InlineData("node", "DELETE", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/x", 404)]
    [InlineData("node", "PATCH", "/apis/apps/v1/namespaces/one/deployments/x", 403)]
    [InlineData("node", "POST", "/api/v1/namespaces/knative-serving/serviceaccounts/serval-node/token", 201)]
    [InlineData("node", "POST", "/api/v1/namespaces/knative-serving/serviceaccounts/serval-controller/token", 403)]
    [InlineData("gateway", "POST", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", 403)]
    [InlineData("gateway", "PATCH", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/serval-controller", 403)]
    [InlineData("node", "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 201)]
    public async Task Role_MayDoItsWorkAndNoMore(string role, string method, string path, int expected)
    {
        await PlantAsync();
        using var client = Server.ConnectAs($"system:serval-{role}", Credentials.RoleGroup);
        var body = method is "POST" ? path.EndsWith("reviews", StringComparison.Ordinal) ? """{"spec":{"user":"u","nonResourceAttributes":{"path":"/signals/idle","verb":"get"}}}""" : "{}" : method == "PATCH" ? "{}" : null;
        var (code, answer) = await SendAsync(client, method, path, body, method == "PATCH" ? "application/merge-patch+json" : "application/json");
        Assert.True(expected == code, $"{code}: {answer?.ToJsonString()}");
    }

    /// <summary>A node's process may act for the pods that run, not as whomever it likes.</summary>
    [Theory]
    [InlineData("robot", "{}", 403)]
    [InlineData("serval-node", "{}", 403)] // of that name, but not Serval's
    [InlineData("robot", """{"kind":"Secret","apiVersion":"v1","name":"s"}""", 403)]
    [InlineData("robot", """{"kind":"Node","apiVersion":"v1","name":"n"}""", 403)]
    [InlineData("robot", """{"kind":"Pod","apiVersion":"v1","name":"waits"}""", 403)]
    [InlineData("robot", """{"kind":"Pod","apiVersion":"v1","name":"runs"}""", 201)]
    [InlineData("other", """{"kind":"Pod","apiVersion":"v1","name":"runs"}""", 400)]
    public async Task Tokens_OfOthers_AreForPodsOnNodes(string account, string reference, int expected)
    {
        await PlantAsync();
        foreach (var name in (string[])["robot", "other", "serval-node"])
        {
            await AdminAsync("/api/v1/namespaces/one/serviceaccounts", $$$"""{"metadata":{"name":"{{{name}}}"}}""");
        }
        await AdminAsync("/api/v1/namespaces/one/secrets", """{"metadata":{"name":"s"}}""");
        await AdminAsync("/api/v1/nodes", """{"metadata":{"name":"n"}}""");
        foreach (var (name, node) in ((string, string)[])[("waits", ""), ("runs", "n")])
        {
            await AdminAsync("/api/v1/namespaces/one/pods", $$$"""
                {"metadata":{"name":"{{{name}}}"},"spec":{"nodeName":"{{{node}}}","serviceAccountName":"robot","containers":[{"name":"c","image":"example.com/i"}]}}
                """);
        }
        using var process = Server.ConnectAs("system:serval-node", Credentials.RoleGroup);
        var spec = reference == "{}" ? "{}" : $$"""{"boundObjectRef":{{reference}}}""";
        var (code, answer) = await SendAsync(process, "POST", $"/api/v1/namespaces/one/serviceaccounts/{account}/token", $$"""{"spec":{{spec}}}""");
        Assert.True(expected == code, $"{code}: {answer?.ToJsonString()}");
    }

    [Theory]
    [InlineData("apiserver", "nodes/proxy", true)]
    [InlineData("controller", "/signals/demand", true)]
    [InlineData("controller", "/signals/image", true)]
    [InlineData("controller", "/signals/idle", false)]
    [InlineData("gateway", "/signals/capacity", true)]
    [InlineData("gateway", "/signals/demand", false)]
    [InlineData("gateway", "nodes/proxy", false)]
    [InlineData("node", "/signals/idle", true)]
    public async Task Account_ReadsTheSignalsOfItsRole(string role, string what, bool may)
    {
        await PlantAsync();
        var attributes = what[0] == '/'
            ? $$$""" "nonResourceAttributes":{"path":"{{{what}}}","verb":"get"} """
            : """ "resourceAttributes":{"resource":"nodes","subresource":"proxy","verb":"get"} """;
        var review = await AdminAsync("/apis/authorization.k8s.io/v1/subjectaccessreviews", $$$"""
            {"spec":{"user":"system:serviceaccount:knative-serving:serval-{{{role}}}","groups":["system:serviceaccounts","system:authenticated"],{{{attributes}}}}}
            """);
        Assert.Equal(may, (bool)review["status"]!["allowed"]!);
    }

    /// <summary>As in one process: nobody keeps book of their fields, and what users are told of as makers stays the users.</summary>
    [Fact]
    public async Task WritesOfRoles_AreServals()
    {
        await PlantAsync();
        using var role = Server.ConnectAs("system:serval-controller", Credentials.RoleGroup);
        var (_, made) = await SendAsync(role, "POST", Maps, """{"metadata":{"name":"a"},"data":{"k":"v"}}""");
        Assert.Null(made!["metadata"]!["managedFields"]);
        const string Configuration = """{"metadata":{"name":"c"},"spec":{"template":{"spec":{"containers":[{"image":"example.com/i"}]}}}}""";
        var (_, configuration) = await SendAsync(role, "POST", "/apis/serving.knative.dev/v1/namespaces/one/configurations", Configuration);
        Assert.Null(configuration!["metadata"]!["annotations"]?["serving.knative.dev/creator"]);
        var users = await AdminAsync(Maps, """{"metadata":{"name":"b"},"data":{"k":"v"}}""");
        Assert.NotNull(users["metadata"]!["managedFields"]);
    }

    [Theory]
    [InlineData("Derived", true, WriteDurability.Derived)]
    [InlineData("Synced", true, WriteDurability.Synced)]
    [InlineData("nonsense", true, null)]
    [InlineData("7", true, null)]
    [InlineData("Derived", false, null)]
    public async Task Durability_IsBelievedOfRoles(string told, bool isRole, WriteDurability? expected)
    {
        await using var server = await ApiServerFixture.StartAsync();
        using var client = server.ConnectAs("u", isRole ? [Credentials.AdminGroup, Credentials.RoleGroup] : [Credentials.AdminGroup]);
        client.DefaultRequestHeaders.Add(WriteOptions.DurabilityHeader, told);
        var (code, answer) = await SendAsync(client, "POST", "/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"a"}}""");
        Assert.True(code == 201, answer?.ToJsonString());
        Assert.Equal(expected, server.Objects.LastWrite!.Durability);
    }

    private async Task PlantAsync()
    {
        await AdminAsync("/api/v1/namespaces", """{"metadata":{"name":"knative-serving"}}""");
        await AdminAsync("/api/v1/namespaces", """{"metadata":{"name":"kube-node-lease"}}""");
        foreach (var (kind, obj) in BootstrapRoles.ProcessClusterRoles().Select(r => (AccessKinds.ClusterRole, r)).Concat(BootstrapRoles.ProcessGrants()))
        {
            await Client.CreateAsync(kind, obj, WriteOptions.By("test"));
        }
    }
}
