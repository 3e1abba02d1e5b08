using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Commands;
using Serval.Images;
using Serval.Tests.Remote;

namespace Serval.Tests.Cli;

public sealed class ImageVerbTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Add_WithEverything_StoresTheConfig()
    {
        var result = await _cli.RunAsync(
            "image", "add", "hello:v1", App(), "--entrypoint", "/run", "--cmd", "[\"--port\",\"80\"]", "--env", "A=1", "-e", "B=x=y", "--workdir", "/etc", "-u", "7",
            "--port", "8080", "--label", "k=v", "-o", "json");

        Assert.Equal("", result.Error);
        Assert.Equal("hello:v1", (string?)JsonNode.Parse(result.Out)!["reference"]);
        var config = (await new ImageStore(_cli.Data).OpenRootAsync("hello:v1")).Config;
        Assert.Equal(["/run"], config.Entrypoint);
        Assert.Equal(["--port", "80"], config.Cmd);
        Assert.Equal(["A=1", "B=x=y"], config.Env);
        Assert.Equal(("/etc", "7", "v"), (config.WorkingDir, config.User, config.Labels!["k"]));
        Assert.Equal(["8080/tcp"], config.ExposedPorts!.Keys);
    }

    [Fact]
    public async Task Add_EntrypointThatIsNotExecutable_SaysChmod()
    {
        var app = App();
        await File.WriteAllTextAsync(Path.Combine(app, "data"), "");

        var result = await _cli.RunAsync("image", "add", "hello", app, "--entrypoint", "/data");

        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Contains("chmod +x", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Add_EntrypointOutsideOfTheDirectory_Warns() =>
        Assert.Contains("warning: ", (await _cli.RunAsync("image", "add", "hello", App(), "--entrypoint", "/opt/tool")).Error, StringComparison.Ordinal);

    [Fact]
    public async Task SaveLoadListRemove_RoundTrip()
    {
        await _cli.RunAsync("image", "add", "hello:v1", App(), "--entrypoint", "/run");
        Assert.Equal(ExitCodes.Ok, (await _cli.RunAsync("image", "save", "hello:v1", _cli["a.tar"])).Code);
        Assert.StartsWith("copy:v2 sha256:", (await _cli.RunAsync("image", "load", _cli["a.tar"], "--name", "copy:v2")).Out, StringComparison.Ordinal);

        Assert.Equal(["copy:v2", "hello:v1"], (await _cli.RunAsync("image", "list", "-o", "name")).Lines);
        Assert.StartsWith("IMAGE", (await _cli.RunAsync("image", "list")).Lines[0], StringComparison.Ordinal);
        Assert.Equal(2, JsonNode.Parse((await _cli.RunAsync("image", "list", "-o", "json")).Out)!.AsArray().Count);

        Assert.Equal(["untagged hello:v1"], (await _cli.RunAsync("image", "rm", "hello:v1")).Lines);
        Assert.Contains("deleted sha256:", (await _cli.RunAsync("image", "rm", "copy:v2")).Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.NotFound, (await _cli.RunAsync("image", "rm", "copy:v2")).Code);
    }

    [Fact]
    public async Task Remove_ByDigest_WhileAServerRuns_AsksForTheImageItself()
    {
        await using var server = await FakeApiServer.StartAsync(_cli.Data);
        await _cli.RunAsync("image", "add", "hello:v1", App(), "--entrypoint", "/run");
        await _cli.RunAsync("image", "add", "other:v2", App(), "--entrypoint", "/run");
        var digest = (string)JsonNode.Parse((await _cli.RunAsync("image", "list", "-o", "json")).Out)![0]!["digest"]!;
        const string Revisions = "GET /apis/serving.knative.dev/v1/revisions";
        server.Json(Revisions, $$$"""{"items":[{"metadata":{"name":"r","namespace":"n"},"status":{"containerStatuses":[{"imageDigest":"hello@{{{digest}}}"}]}}]}""");

        var refused = await _cli.RunAsync("image", "rm", digest);
        Assert.Equal(ExitCodes.Refused, refused.Code);
        Assert.Contains("n/r", refused.Error, StringComparison.Ordinal);

        server.Json(Revisions, """{"items":[]}""");
        const string Pods = "GET /api/v1/pods";
        const string Container = """{"name":"c","image":"else:v1"}""";
        foreach (var (spec, use) in new[]
        {
            ($$$"""{"containers":[{{{Container}}}],"volumes":[{"name":"v","image":{"reference":"other:v2"}}]}""", "volume v of pod n/p"),
            ("""{"containers":[{"name":"c","image":"hello:v1"}]}""", "the image of container c of pod n/p"),
        })
        {
            server.Json(Pods, $$"""{"items":[{"metadata":{"name":"p","namespace":"n"},"spec":{{spec}},"status":{"phase":"Running"} }]}""");
            refused = await _cli.RunAsync("image", "rm", digest);
            Assert.Equal(ExitCodes.Refused, refused.Code);
            Assert.Contains(use, refused.Error, StringComparison.Ordinal);
        }

        server.Json(Pods, """{"items":[{"metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c","image":"hello:v1"}]},"status":{"phase":"Failed"}}]}""");
        Assert.Equal(["untagged hello:v1", "untagged other:v2"], (await _cli.RunAsync("image", "rm", digest)).Lines[..2]);
    }

    /// <summary>A node that runs apart has no kubeconfig beside its images.</summary>
    [Fact]
    public async Task Remove_AsksTheServerThatIsNamed_AndFailsWithoutItsAnswer()
    {
        var server = await FakeApiServer.StartAsync(_cli["state"]);
        var kubeconfig = Path.Combine(_cli["state"], "kubeconfig");
        await _cli.RunAsync("image", "add", "hello:v1", App(), "--entrypoint", "/run");
        server.Json("GET /apis/serving.knative.dev/v1/revisions", """{"items":[]}""");
        server.Json("GET /api/v1/pods", """{"items":[{"metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c","image":"hello:v1"}]}}]}""");

        Assert.Equal(ExitCodes.Refused, (await _cli.RunAsync("image", "rm", "hello:v1", "--kubeconfig", kubeconfig)).Code);
        await server.DisposeAsync();
        Assert.Equal(ExitCodes.NotReachable, (await _cli.RunAsync("image", "rm", "hello:v1", "--kubeconfig", kubeconfig)).Code);
        Assert.Equal(ExitCodes.Ok, (await _cli.RunAsync("image", "rm", "hello:v1")).Code);
    }

    [Theory]
    [InlineData(new[] { "/a", "b" }, new[] { "/a", "b" })]
    [InlineData(new[] { "[\"/a\", \"b c\"]" }, new[] { "/a", "b c" })]
    [InlineData(new string[0], null)]
    public void Words_BothForms_Read(string[] given, string[]? expected) => Assert.Equal(expected, ImageAddCommand.Words(given, "--cmd"));

    private string App()
    {
        var app = Directory.CreateDirectory(_cli["app"]).FullName;
        File.WriteAllText(Path.Combine(app, "run"), "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(app, "run"), (UnixFileMode)0x1ED);
        }
        return app;
    }
}
