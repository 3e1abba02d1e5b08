using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Who may do what, as kubectl's users meet it.</summary>
public sealed class AccessTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private Testing.Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task Role_CreatedAndBound_LetsInAndNoFurther()
    {
        await Kubectl.OkAsync("create", "namespace", "team");
        await Kubectl.OkAsync("create", "role", "reader", "--verb=get,list", "--resource=configmaps,deployments.apps", "-n", "team");
        await Kubectl.OkAsync("create", "rolebinding", "readers", "--role=reader", "--user=jane", "--serviceaccount=team:default", "-n", "team");
        Assert.Contains("Role/reader", await Kubectl.OkAsync("get", "rolebinding", "readers", "-n", "team"), StringComparison.Ordinal);
        await Kubectl.OkAsync("get", "cm", "-n", "team", "--as=jane");

        Assert.Equal("yes\n", await Kubectl.OkAsync("auth", "can-i", "list", "configmaps", "-n", "team", "--as=jane"));
        Assert.Equal("yes\n", await Kubectl.OkAsync("auth", "can-i", "get", "deployments.apps", "-n", "team", "--as=system:serviceaccount:team:default"));
        var (code, answer, _) = await Kubectl.RunAsync(null, "auth", "can-i", "delete", "configmaps", "-n", "team", "--as=jane");
        Assert.Equal((1, "no\n"), (code, answer));
        Assert.Equal("yes\n", await Kubectl.OkAsync("auth", "can-i", "*", "*", "--all-namespaces"));
        Assert.Contains("configmaps", await Kubectl.OkAsync("auth", "can-i", "--list", "-n", "team", "--as=jane"), StringComparison.Ordinal);

        Assert.Contains(
            "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"team\"",
            await Kubectl.RefusedAsync(null, "get", "pods", "-n", "team", "--as=jane"), StringComparison.Ordinal);
        await Kubectl.OkAsync("delete", "rolebinding", "readers", "-n", "team");
        Assert.Contains("forbidden", await Kubectl.RefusedAsync(null, "get", "cm", "-n", "team", "--as=jane"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClusterRole_Edit_CoversServices_NotRoles()
    {
        await Kubectl.OkAsync("create", "clusterrolebinding", "devs", "--clusterrole=edit", "--group=devs");
        Assert.Equal("yes\n", await Kubectl.OkAsync("auth", "can-i", "create", "services.serving.knative.dev", "--as=dan", "--as-group=devs"));
        await Kubectl.OkAsync("create", "rolebinding", "dan", "--clusterrole=admin", "--user=dan");
        Assert.Contains(
            "is attempting to grant RBAC permissions not currently held",
            await Kubectl.RefusedAsync(null, "create", "rolebinding", "more", "--clusterrole=cluster-admin", "--user=dan", "--as=dan"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClusterRole_Aggregated_FollowsItsParts()
    {
        await Kubectl.ApplyAsync("""
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: monitoring}
            aggregationRule: {clusterRoleSelectors: [{matchLabels: {monitoring: "true"}}]}
            """);
        await Kubectl.OkAsync("create", "clusterrole", "part", "--verb=get", "--resource=nodes");
        await Kubectl.OkAsync("label", "clusterrole", "part", "monitoring=true");
        await Kubectl.OkAsync("wait", "clusterrole/monitoring", "--for=jsonpath={.rules[0].resources[0]}=nodes", "--timeout=30s");
    }

    [Fact]
    public async Task Token_Created_IsABearerUntilItsAccountGoes()
    {
        await Kubectl.OkAsync("create", "serviceaccount", "robot");
        await Kubectl.OkAsync("create", "rolebinding", "robot", "--clusterrole=view", "--serviceaccount=default:robot");
        var token = (await Kubectl.OkAsync("create", "token", "robot", "--duration=10m")).Trim();
        var bearer = new Testing.Kubectl(Path.Combine(fixture.Serval.DataDirectory, "robot.kubeconfig"));
        var config = await Kubectl.OkAsync("config", "view", "--raw", "--minify", "-o", "json");
        var tree = JsonNode.Parse(config)!;
        tree["users"]![0]!["user"] = new JsonObject { ["token"] = token };
        await File.WriteAllTextAsync(Path.Combine(fixture.Serval.DataDirectory, "robot.kubeconfig"), tree.ToJsonString());
        Assert.Contains("system:serviceaccount:default:robot", await bearer.OkAsync("auth", "whoami"), StringComparison.Ordinal);
        await bearer.OkAsync("get", "configmaps");
        Assert.Contains("forbidden", await bearer.RefusedAsync(null, "get", "secrets"), StringComparison.Ordinal);
        await Kubectl.OkAsync("delete", "serviceaccount", "robot");
        Assert.Contains("Unauthorized", await bearer.RefusedAsync(null, "get", "configmaps"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Kubeconfig_Created_LetsItsUserDoWhatTheRoleSays()
    {
        var file = Path.Combine(fixture.Serval.DataDirectory, "kim.kubeconfig");
        await Kubectl.OkAsync("create", "namespace", "kims");
        var made = await fixture.Serval.RunAsync("kubeconfig", "create", "--name", "kim", "--role", "edit", "-n", "kims", "--group", "crew", "-o", file);
        Assert.True(made.Code == 0, made.Err);
        var kim = new Testing.Kubectl(file);
        Assert.Contains("crew", await kim.OkAsync("auth", "whoami"), StringComparison.Ordinal);
        Assert.Equal("yes\n", await kim.OkAsync("auth", "can-i", "create", "services.serving.knative.dev"));
        Assert.Equal((1, "no\n"), await kim.RunAsync(null, "auth", "can-i", "list", "pods", "-n", "default") is var (code, answer, _) ? (code, answer) : default);
        Assert.Equal(0, (await fixture.Serval.RunAsync("kubeconfig", "create", "--name", "kim", "--role", "edit", "-n", "kims", "-o", file)).Code); // renews it

        var unknown = await fixture.Serval.RunAsync("kubeconfig", "create", "--name", "kim", "--role", "boss");
        Assert.Equal(3, unknown.Code);
        Assert.Contains("there is no ClusterRole \"boss\"; there are admin, cluster-admin, edit, ", unknown.Err, StringComparison.Ordinal);
        Assert.Equal(2, (await fixture.Serval.RunAsync("kubeconfig", "create", "--name", "system:node", "--role", "edit")).Code);
        Assert.Equal(2, (await fixture.Serval.RunAsync("kubeconfig", "create", "--name", "kim", "--role", "edit", "--ttl", "soon")).Code);
    }

    [Fact]
    public async Task Kubeconfig_OfAServiceAccount_HasItsToken()
    {
        var file = Path.Combine(fixture.Serval.DataDirectory, "machine.kubeconfig");
        await Kubectl.OkAsync("create", "serviceaccount", "machine");
        var made = await fixture.Serval.RunAsync("kubeconfig", "create", "--service-account", "machine", "--ttl", "24h", "-o", file);
        Assert.True(made.Code == 0, made.Err);
        Assert.Contains("lets service account default/machine in until 2", made.Err, StringComparison.Ordinal);
        Assert.Contains("system:serviceaccount:default:machine", await new Testing.Kubectl(file).OkAsync("auth", "whoami"), StringComparison.Ordinal);
        Assert.Equal(3, (await fixture.Serval.RunAsync("kubeconfig", "create", "--service-account", "nobody")).Code);
        Assert.Equal(2, (await fixture.Serval.RunAsync("kubeconfig", "create", "--service-account", "machine", "--role", "edit")).Code);
    }

    [Fact]
    public async Task Whoami_SaysTheAdministrator_AndWhoActsForHim()
    {
        Assert.Contains("kubernetes-admin", await Kubectl.OkAsync("auth", "whoami"), StringComparison.Ordinal);
        Assert.Contains("zoe", await Kubectl.OkAsync("auth", "whoami", "--as=zoe", "--as-group=a"), StringComparison.Ordinal);
    }
}
