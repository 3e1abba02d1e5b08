using System.Security.Cryptography;
using System.Text.Json;

namespace Serval.FunctionalTests;

/// <summary>What an unmodified kubectl does with a running pod: exec, attach, run, cp, port-forward.</summary>
public sealed class KubectlPodTests(ServalFixture fixture) : IClassFixture<ServalFixture>, IAsyncLifetime
{
    private const string Box = BoxImage.Name;
    private static bool s_made;

    private Testing.Kubectl Kubectl => fixture.Kubectl;

    /// <summary>One image with a shell and tar, one pod of it, and one of the machine's own programs.</summary>
    public async Task InitializeAsync()
    {
        if (s_made)
        {
            return;
        }
        s_made = true;
        await BoxImage.AddAsync(fixture.Serval);
        await Kubectl.ApplyAsync(Pod("inside", Box, "while :; do sleep 1; done"));
        await Kubectl.ApplyAsync(Pod("machine", "dev.local/bb:1", "while :; do sleep 1; done"));
        await Kubectl.ApplyAsync(Pod("over", Box, "echo over"));
        await Kubectl.OkAsync("wait", "pod/inside", "pod/machine", "--for=condition=Ready", "--timeout=30s");
        await Kubectl.OkAsync("wait", "pod/over", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData("inside")]
    [InlineData("machine")]
    public async Task Exec_Command_PassesStreamsAndExitCode(string pod)
    {
        Assert.Equal((0, "", ""), await Kubectl.RunAsync(null, "exec", pod, "--", "true"));
        Assert.Equal((0, "typed", ""), await Kubectl.RunAsync("typed", "exec", "-i", pod, "--", "cat"));
        var (code, output, errors) = await Kubectl.RunAsync(null, "exec", pod, "--", "sh", "-c", "echo out; echo err >&2; exit 3");
        Assert.Equal((3, "out\n", "err\ncommand terminated with exit code 3\n"), (code, output, errors));
        Assert.Equal("b\n", await Kubectl.OkAsync("exec", pod, "--", "sh", "-c", "echo $A"));
    }

    [Theory]
    [InlineData("inside")]
    [InlineData("machine")]
    public async Task Exec_AtATerminal_HasItsSize(string pod)
    {
        var (code, output, _) = await Kubectl.TypeAsync(null, "exec", "-it", pod, "--", "sh", "-c", "until test \"$(stty size)\" = '33 99'; do sleep 0.02; done; tty; exit 4");
        Assert.True(code == 4 && output.Contains("/dev/pts/", StringComparison.Ordinal), output);
    }

    [Theory]
    [InlineData("exec: \"no-such\": executable file not found", "inside", "--", "no-such")]
    [InlineData("container no-such is not valid for pod inside", "inside", "-c", "no-such", "--", "true")]
    [InlineData("cannot exec into a container in a completed pod; current phase is Succeeded", "over", "--", "true")]
    [InlineData("pods \"absent\" not found", "absent", "--", "true")]
    public async Task Exec_ThatCannotBe_IsRefused(string why, params string[] arguments) =>
        Assert.Contains(why, await Kubectl.RefusedAsync(null, ["exec", .. arguments]), StringComparison.Ordinal);

    [Fact]
    public async Task CanI_AsksForTheSubresource_KnowsIt()
    {
        var (code, output, errors) = await Kubectl.RunAsync(null, "auth", "can-i", "create", "pods/exec");
        Assert.Equal((0, "yes\n", ""), (code, output, errors));
    }

    [Fact]
    public async Task Cp_ThereAndBack_IsTheSame()
    {
        var directory = Directory.CreateTempSubdirectory("serval-cp-").FullName;
        var much = RandomNumberGenerator.GetBytes(3_000_000);
        await File.WriteAllBytesAsync(directory + "/there", much);

        await Kubectl.OkAsync("cp", directory + "/there", "inside:/there");
        await Kubectl.OkAsync("cp", "inside:/there", directory + "/back");

        Assert.Equal(much, await File.ReadAllBytesAsync(directory + "/back"));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task Run_WithInput_PassesItAndTheExitCode()
    {
        var (code, output, _) = await Kubectl.RunAsync(
            "hello\n", "run", "talker", "--rm", "-i", "--restart=Never", "--image=" + Box, "--command", "--", "sh", "-c", "read x; echo \"got $x\"; cat; exit 5");
        Assert.True(code == 5 && output.Contains("got hello\n", StringComparison.Ordinal), $"{code}: {output}");
        Assert.Contains("NotFound", await Kubectl.RefusedAsync(null, "get", "pod", "talker"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_AtATerminal_IsAShell()
    {
        var (code, output, _) = await Kubectl.TypeAsync(
            null, "run", "shell", "--rm", "-it", "--restart=Never", "--image=" + Box, "--command", "--", "sh", "-c", "until test \"$(stty size)\" = '33 99'; do sleep 0.02; done; tty; sleep 0.3; exit 6");
        Assert.True(code == 6 && output.Contains("pod \"shell\" deleted", StringComparison.Ordinal), $"{code}: {output}");
    }

    [Fact]
    public async Task Attach_ToInput_ReachesTheProgram()
    {
        await Kubectl.ApplyAsync(Pod("reader", Box, "read x; echo \"got $x\"", "stdin: true, stdinOnce: true"));
        await Kubectl.OkAsync("wait", "pod/reader", "--for=condition=Ready", "--timeout=30s");

        var (code, output, _) = await Kubectl.RunAsync("attached\n", "attach", "-i", "reader");

        Assert.True(code == 0 && output.Contains("got attached\n", StringComparison.Ordinal), output);
        Assert.Equal("got attached\n", await Kubectl.OkAsync("logs", "reader"));
    }

    [Theory]
    [InlineData(true, "pod/served")]
    [InlineData(true, "svc/served")]
    [InlineData(false, "pod/served")]
    public async Task PortForward_CarriesManyConnections(bool webSocket, string target)
    {
        await ServeAsync();
        using var forward = Kubectl.Start([("KUBECTL_PORT_FORWARD_WEBSOCKETS", webSocket ? "true" : "false")], "port-forward", target, ":8080");
        var address = await ForwardedAsync(forward);
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = address };

        var pages = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => http.GetStringAsync("/page")));

        Assert.All(pages, p => Assert.Equal("page\n", p));
        Assert.Equal(4 * 1024 * 1024, (await http.GetByteArrayAsync("/big")).Length);
        forward.Kill();
    }

    [Fact]
    public async Task PortForward_OfAPortNobodyListensOn_IsTold()
    {
        await ServeAsync();
        using var forward = Kubectl.Start("port-forward", "pod/served", ":9");
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = await ForwardedAsync(forward) };

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetStringAsync("/"));

        Assert.Contains("error forwarding port 9 to pod served", await forward.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exec_OverSpdy_PassesStreamsAndExitCode()
    {
        using var talk = Kubectl.Start([("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")], "exec", "-i", "inside", "--", "sh", "-c", "cat; echo err >&2; exit 3");
        await talk.StandardInput.WriteAsync("typed");
        talk.StandardInput.Close();

        Assert.Equal("typed", await talk.StandardOutput.ReadToEndAsync());
        Assert.Equal("err\ncommand terminated with exit code 3\n", await talk.StandardError.ReadToEndAsync());
        await talk.WaitForExitAsync();
        Assert.Equal(3, talk.ExitCode);
    }

    [Fact]
    public async Task Exec_OfAPodThatIsDeleted_Ends()
    {
        await Kubectl.ApplyAsync(Pod("short", Box, "while :; do sleep 1; done"));
        await Kubectl.OkAsync("wait", "pod/short", "--for=condition=Ready", "--timeout=30s");
        using var talk = Kubectl.Start("exec", "short", "--", "sh", "-c", "echo in; while :; do sleep 1; done");
        Assert.Equal("in", await talk.StandardOutput.ReadLineAsync());

        await Kubectl.OkAsync("delete", "pod", "short", "--grace-period=1");

        await talk.WaitForExitAsync();
        Assert.Equal(137, talk.ExitCode);
    }

    [Fact]
    public async Task Debug_AddsAContainerToThePod()
    {
        await ServeAsync();

        var (code, output, errors) = await Kubectl.RunAsync(
            "typed\n", "debug", "-i", "served", "--image=" + Box, "-c", "probe", "--", "sh", "-c", "read x; echo \"got $x\"; wget -qO- 127.0.0.1:${PORT:-8080}/page");

        Assert.True(code == 0 && output.Contains("got typed\npage\n", StringComparison.Ordinal), $"{code}: {output}{errors}");
        await Kubectl.OkAsync("wait", "pod/served", "--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.reason}=Completed", "--timeout=30s");
        Assert.Equal("got typed\npage\n", await Kubectl.OkAsync("logs", "served", "-c", "probe"));
        Assert.Equal("True", await Kubectl.OkAsync("get", "pod", "served", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}"));
    }

    [Theory]
    [InlineData("pods/served")]
    [InlineData("services/http:served:8080")]
    public async Task GetRaw_ThroughTheProxy_IsThePodsAnswer(string of)
    {
        await ServeAsync();
        Assert.Equal("page\n", await Kubectl.OkAsync("get", "--raw", $"/api/v1/namespaces/default/{of}/proxy/page"));
        Assert.Contains("Error from server (NotFound)", await Kubectl.RefusedAsync(null, "get", "--raw", $"/api/v1/namespaces/default/{of}/proxy/none"), StringComparison.Ordinal);
    }

    private async Task ServeAsync()
    {
        await Kubectl.ApplyAsync($$"""
            {{Pod("served", Box, "mkdir /www; echo page > /www/page; head -c 4194304 /dev/zero > /www/big; exec httpd -f -p ${PORT:-8080} -h /www", "ports: [{containerPort: 8080}]")}}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: served}
            spec: {selector: {app: served}, ports: [{port: 8080}]}
            """);
        await Kubectl.OkAsync("wait", "pod/served", "--for=condition=Ready", "--timeout=30s");
    }

    /// <summary>Where kubectl listens for what it forwards.</summary>
    private static async Task<Uri> ForwardedAsync(System.Diagnostics.Process forward)
    {
        var line = await forward.StandardOutput.ReadLineAsync();
        return line?.Split(' ') is ["Forwarding", "from", var address, ..]
            ? new Uri($"http://{address}")
            : throw new InvalidOperationException(line ?? await forward.StandardError.ReadToEndAsync());
    }

    private static string Pod(string name, string image, string script, string more = "") => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{name}}, labels: {app: "{{name}}"} }
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 1
          containers:
          - {name: main, image: {{image}}, command: [/bin/sh, -c, {{JsonSerializer.Serialize(script)}}], env: [{name: A, value: b}], {{more}}}
        """;
}
