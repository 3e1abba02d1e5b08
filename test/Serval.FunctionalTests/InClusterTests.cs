namespace Serval.FunctionalTests;

/// <summary>A client of the API inside a pod, which has nothing but what every pod finds: a token, the authority, and where the API is.</summary>
public sealed class InClusterTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Image = "dev.local/kubectl:1";

    [Fact]
    public async Task Kubectl_InAPod_IsThePodsAccount()
    {
        var view = await fixture.Kubectl.OkAsync("get", "nodes", "-o", "jsonpath={range .items[0].status.conditions[?(@.type==\"ContainerView\")]}{.status} {.message}{end}");
        Assert.True(view.StartsWith("True ", StringComparison.Ordinal), $"no pod finds a token where programs do not see their image alone: {view}");
        var directory = Directory.CreateTempSubdirectory("serval-kubectl-").FullName;
        File.Copy(Repository.Path("artifacts/tools/kubectl"), directory + "/kubectl");
        var (code, _, errors) = await fixture.Serval.RunAsync("image", "add", Image, directory, "--entrypoint", "/kubectl");
        Directory.Delete(directory, recursive: true);
        Assert.True(code == 0, errors);
        await fixture.Kubectl.OkAsync("create", "serviceaccount", "robot");
        await fixture.Kubectl.OkAsync("create", "rolebinding", "robot", "--clusterrole=view", "--serviceaccount=default:robot");

        Assert.Equal("pod/asker\n", await AskAsync("asker", "get", "pods", "-o", "name"));
        Assert.Contains("User \"system:serviceaccount:default:robot\" cannot list resource \"secrets\"", await AskAsync("denied", "get", "secrets"), StringComparison.Ordinal);
        Assert.Equal("kubernetes", await fixture.Kubectl.OkAsync("get", "endpointslices", "-l", "kubernetes.io/service-name=kubernetes", "-o", "jsonpath={.items[*].metadata.labels.kubernetes\\.io/service-name}"));
    }

    [Fact]
    public async Task Namespace_HasTheAuthority_AlsoWhenSomebodyChangesIt()
    {
        await fixture.Kubectl.OkAsync("create", "namespace", "trusting");
        const string path = "/api/v1/namespaces/trusting/configmaps?fieldSelector=metadata.name=kube-root-ca.crt";
        await fixture.UntilAsync(path, m => Pem(m).StartsWith("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal));
        await fixture.Kubectl.OkAsync("patch", "configmap", "kube-root-ca.crt", "-n", "trusting", "-p", """{"data":{"ca.crt":"mine"}}""");
        await fixture.UntilAsync(path, m => Pem(m) != "mine");

        static string Pem(System.Text.Json.Nodes.JsonObject map) => (string?)map["data"]!["ca.crt"] ?? "";
    }

    private async Task<string> AskAsync(string pod, params string[] arguments)
    {
        await fixture.Kubectl.ApplyAsync($$$"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{pod}}}"},"spec":{"restartPolicy":"Never","serviceAccountName":"robot","containers":[
             {"name":"c","image":"{{{Image}}}","command":["/kubectl"],"args":[{{{string.Join(',', arguments.Select(a => $"\"{a}\""))}}}],"env":[{"name":"HOME","value":"/tmp"}]}]}}
            """);
        await fixture.UntilAsync($"/api/v1/namespaces/default/pods?fieldSelector=metadata.name={pod}", p => (string?)p["status"]!["phase"] is "Succeeded" or "Failed");
        return await fixture.Kubectl.OkAsync("logs", pod);
    }
}
