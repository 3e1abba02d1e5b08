using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Serval.Cli;
using Serval.Kn;
using Serval.Tests.Cli;
using Serval.Tests.Remote;

namespace Serval.Tests.Kn;

public sealed class ServiceVerbTests : ServedVerbTests
{
    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        Server.Answers["POST " + Services] = (context, body) => context.Response.WriteAsync(body!.ToJsonString());
        Server.Answers[$"PUT {Services}/hello"] = (context, body) => context.Response.WriteAsync(body!.ToJsonString());
    }

    [Theory]
    [InlineData("--env A=1 --env-value-from B=cm:m:k -e C=3", "{env: [{name: A, value: '1'}, {name: B, valueFrom: {configMapKeyRef: {name: m, key: k}}}, {name: C, value: '3'}]}")]
    [InlineData("--env-value-from B=cm:m:k --env=A=1 -eC=a:b=c", "{env: [{name: B, valueFrom: {configMapKeyRef: {name: m, key: k}}}, {name: A, value: '1'}, {name: C, value: 'a:b=c'}]}")]
    [InlineData("-e A=1 --env-file FILE -e C=3", "{env: [{name: A, value: '1'}, {name: F, value: from file}, {name: G, value: ''}, {name: C, value: '3'}]}")]
    [InlineData("--arg=--force --arg -x --arg --wait-for --cmd sh", "{command: [sh], args: [--force, -x, --wait-for]}")]
    [InlineData("-p h2c:8081", "{ports: [{containerPort: 8081, name: h2c}]}")]
    [InlineData("--port=8081", "{ports: [{containerPort: 8081}]}")]
    public async Task Create_Flags_ReachTheContainerInTheirOrder(string flags, string container)
    {
        await File.WriteAllTextAsync(Line["env"], "# of the program\nF=from file\n\nG=\n");

        var result = await Line.RunAsync(["service", "create", "hello", "--image", "i", "--no-wait", .. flags.Split(' ').Select(w => w == "FILE" ? Line["env"] : w)]);

        Assert.Equal((ExitCodes.Ok, "Service 'hello' created in namespace 'default'.\n", ""), (result.Code, result.Out, result.Error));
        var expected = Edits.Tree(container);
        expected["image"] = "i";
        Edits.Equal(expected.ToJsonString(), Stored("POST")["spec"]!["template"]!["spec"]!["containers"]![0]);
    }

    [Fact]
    public async Task Create_FurtherContainers_ComeFromStandardInput()
    {
        var result = await Line.RunAsync("containers:\n- name: side\n  image: s\n", CancellationToken.None, "service", "create", "hello", "--image", "i", "--port", "8080", "--no-wait", "--containers", "-");

        Assert.Equal(ExitCodes.Ok, result.Code);
        Edits.Equal("{containers: [{image: i, ports: [{containerPort: 8080}]}, {name: side, image: s}]}", Stored("POST")["spec"]!["template"]!["spec"]);
    }

    [Theory]
    [InlineData("", "{}")]
    [InlineData("--lock-to-digest --cluster-local", "{networking.knative.dev/visibility: cluster-local}")]
    [InlineData("--no-lock-to-digest --no-cluster-local", "{}")]
    public async Task Create_Switches_AreYesNoOrUnsaid(string flags, string labels)
    {
        await Line.RunAsync(["service", "create", "hello", "--image", "i", "--no-wait", .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Edits.Equal(labels, Stored("POST")["metadata"]!["labels"] ?? new JsonObject());
        Assert.Equal(flags.Contains("--no-lock", StringComparison.Ordinal) ? null : "i", (string?)Stored("POST")["spec"]!["template"]!["metadata"]!["annotations"]![ServiceEdit.UserImage]);
    }

    [Fact]
    public async Task Create_FromFile_TakesFlagsOnTop()
    {
        const string manifest = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: hello}\nspec: {template: {spec: {containers: [{image: i, env: [{name: A, value: '1'}]}]}}}\n";

        Assert.Equal(ExitCodes.Usage, (await Line.RunAsync(manifest, CancellationToken.None, "service", "create", "other", "-f", "-")).Code);
        Assert.Equal(ExitCodes.Usage, (await Line.RunAsync(manifest.Replace("kind: Service", "kind: Route", StringComparison.Ordinal), CancellationToken.None, "service", "create", "-f", "-")).Code);
        Assert.Equal(ExitCodes.Ok, (await Line.RunAsync(manifest, CancellationToken.None, "service", "create", "-f", "-", "--env", "B=2", "--tag", "first", "--no-wait")).Code);

        Edits.Equal("{containers: [{image: i, env: [{name: A, value: '1'}, {name: B, value: '2'}]}]}", Stored("POST")["spec"]!["template"]!["spec"]);
        Edits.Equal("{traffic: [{latestRevision: true, percent: 100, tag: first}]}", new JsonObject { ["traffic"] = Stored("POST")["spec"]!["traffic"]!.DeepClone() });
    }

    [Fact]
    public async Task Create_Force_ReplacesAllButWhoMadeIt()
    {
        Server.Json($"GET {Services}/hello", """
            {"metadata":{"name":"hello","generation":1,"resourceVersion":"7","labels":{"old":"x"},"annotations":{"old":"x","serving.knative.dev/creator":"me"}},
             "spec":{"template":{"spec":{"containers":[{"image":"old","env":[{"name":"A","value":"1"}]}]}}}}
            """);

        var refused = await Line.RunAsync("service", "create", "hello", "--image", "i");
        var result = await Line.RunAsync("service", "create", "hello", "--image", "i", "--force", "--no-wait");

        Assert.Equal(ExitCodes.Failed, refused.Code);
        Assert.Contains("no --force option was given", refused.Error, StringComparison.Ordinal);
        Assert.Equal("Service 'hello' replaced in namespace 'default'.\n", result.Out);
        var put = Stored("PUT");
        Edits.Equal("{name: hello, namespace: default, resourceVersion: '7', annotations: {serving.knative.dev/creator: me}}", put["metadata"]);
        Edits.Equal("{containers: [{image: i}]}", put["spec"]!["template"]!["spec"]);
    }

    [Fact]
    public async Task Update_EmptyValues_TakeAway()
    {
        Server.Json($"GET {Services}/hello", """
            {"metadata":{"name":"hello","generation":1,"resourceVersion":"7"},"spec":{"template":{"spec":{"serviceAccountName":"a","imagePullSecrets":[{"name":"s"}],"containers":[{"image":"i"}]}}},"status":{"url":"http://x"}}
            """);

        var result = await Line.RunAsync("service", "update", "hello", "--service-account", "", "--pull-secret", "", "-o", "url", "--no-wait");

        Assert.Equal((ExitCodes.Ok, "http://x\n", ""), (result.Code, result.Out, result.Error));
        Edits.Equal("{containers: [{image: i}]}", Stored("PUT")["spec"]!["template"]!["spec"]);
        Assert.Null(Stored("PUT")["status"]);
    }

    [Fact]
    public async Task List_Nothing_SaysSoAndOfAName_Fails()
    {
        Server.Json("GET " + Services, """{"kind":"ServiceList","apiVersion":"serving.knative.dev/v1","items":[]}""");

        Assert.Equal(new CliResult(ExitCodes.Ok, "", "No services found.\n"), await Line.RunAsync("service", "list"));
        Assert.Equal(ExitCodes.NotFound, (await Line.RunAsync("service", "list", "hello")).Code);
        Assert.Equal("[]", JsonNode.Parse((await Line.RunAsync("service", "list", "-o", "json")).Out)!["items"]!.ToJsonString());
    }

    [Fact]
    public async Task Delete_Several_GoesOnAfterOneThatIsMissing()
    {
        Server.Json($"GET {Services}/there", """{"metadata":{"name":"there","uid":"u"}}""");
        Server.Json($"DELETE {Services}/there", "{}");

        var result = await Line.RunAsync("service", "delete", "missing", "there");

        Assert.Equal((ExitCodes.NotFound, "Service 'there' successfully deleted in namespace 'default'.\n"), (result.Code, result.Out));
        Assert.Contains("there is no service 'missing'", result.Error, StringComparison.Ordinal);
    }

    private JsonNode Stored(string method) => Server.Requests.Last(r => r.Line.StartsWith(method, StringComparison.Ordinal)).Body!;
}
