using System.Net;
using System.Text.RegularExpressions;

namespace Serval.FunctionalTests;

/// <summary>Programs that die while requests wait for them or are with them.</summary>
public sealed partial class DyingProgramTests : IClassFixture<ServalFixture>, IAsyncLifetime
{
    private const string FewSeconds = """{"autoscaling.knative.dev/window": "6s"}""";

    private readonly ServalFixture _fixture;
    private readonly string _files = Directory.CreateTempSubdirectory("serval-test-").FullName;

    public DyingProgramTests(ServalFixture fixture) => _fixture = fixture;

    public Task InitializeAsync() => _fixture.Kubectl.OkAsync(
        "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", """{"data":{"scale-to-zero-grace-period":"6s"}}""");

    public Task DisposeAsync()
    {
        Directory.Delete(_files, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Program_CrashingWhileRequestsAreHeld_EndsThemNamingTheCrashAndDisturbsNobody()
    {
        await _fixture.ServiceAsync("bystander", """{"autoscaling.knative.dev/min-scale": "1"}""");
        await AtZeroAsync("crasher");
        await _fixture.Kubectl.OkAsync("create", "configmap", "crasher-flags", "--from-literal=always=");

        var held = Enumerable.Range(0, 5).Select(_ => _fixture.Serval.InvokeAsync("crasher")).ToArray();
        await _fixture.UntilAsync(
            "/apis/serving.knative.dev/v1/namespaces/default/revisions?fieldSelector=metadata.name=crasher-00001",
            r => KubeHttp.ConditionOf(r, "Ready", "reason") == "ExitCode7");
        Assert.Equal(200, (await _fixture.Serval.InvokeAsync("bystander")).Code);

        foreach (var (code, text) in await Task.WhenAll(held).WaitAsync(TimeSpan.FromSeconds(40))) // timeoutSeconds is 8
        {
            Assert.Equal(504, code);
            Assert.Contains("\r\nServal-Error: no-endpoint-timeout\r\n", text, StringComparison.Ordinal);
            Assert.Contains("(revision default/crasher-00001: ExitCode7)", text, StringComparison.Ordinal);
            Assert.DoesNotContain("secret of the program", text, StringComparison.Ordinal); // what it printed is for its owner
        }
        Assert.Equal(200, (await _fixture.Serval.InvokeAsync("bystander")).Code);
        var service = await _fixture.Serval.Api.GetAsync("/apis/serving.knative.dev/v1/namespaces/default/services/crasher");
        Assert.Equal("False", KubeHttp.ConditionOf(service, "Ready"));
        Assert.Contains("secret of the program", KubeHttp.ConditionOf(service, "Ready", "message"), StringComparison.Ordinal);
        await _fixture.Kubectl.OkAsync("delete", "ksvc", "crasher");
    }

    [Fact]
    public async Task Program_CrashingOnceWhileRequestsAreHeld_AnswersThemAll()
    {
        await AtZeroAsync("stumbler");
        await _fixture.Kubectl.OkAsync("create", "configmap", "stumbler-flags", "--from-literal=once=");

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _fixture.Serval.InvokeAsync("stumbler")));

        Assert.All(answers, a => Assert.Equal(200, a.Code));
        Assert.NotEqual("0", await _fixture.Kubectl.OkAsync(
            "get", "pods", "-l", "serving.knative.dev/service=stumbler", "-o", "jsonpath={.items[0].status.containerStatuses[0].restartCount}")); // it did crash
        await _fixture.Kubectl.OkAsync("delete", "ksvc", "stumbler");
    }

    [Fact]
    public async Task Program_DyingInAnAnswer_CutsItOffAndNothingHangs()
    {
        await AddImageAsync();
        await _fixture.Kubectl.ApplyAsync(Manifests.Service("mortal", image: "dev.local/mortal:1"));
        await _fixture.ReadyAsync("mortal");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));

        // The server's process for this connection kills itself after a part of what it promised.
        var (code, text) = await RawHttp.SendAsync(
            new IPEndPoint(IPAddress.Loopback, _fixture.Serval.GatewayPort), "GET /cgi-bin/half HTTP/1.1\r\nHost: mortal.default.localhost\r\n\r\n", cutIsEnd: true, patience.Token);
        Assert.Equal(200, code);
        Assert.Matches(PromisedThousand(), text);
        Assert.EndsWith("\r\n\r\nhalf", text, StringComparison.Ordinal);

        (code, text) = await _fixture.Serval.InvokeAsync("mortal", "/cgi-bin/nothing", patience.Token);
        Assert.Equal(502, code);
        Assert.Contains("\r\nServal-Error: upstream-reset\r\n", text, StringComparison.Ordinal);
        Assert.Contains("revision default/mortal-00001", text, StringComparison.Ordinal);

        Assert.Equal(200, (await _fixture.Serval.InvokeAsync("mortal", ct: patience.Token)).Code);
    }

    [GeneratedRegex("\r\nContent-Length: 1000\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex PromisedThousand();

    // Crashes for ever with one flag, the first time of its pod with the other; a moment passes before, so that requests are held.
    private async Task AtZeroAsync(string name)
    {
        const string Script = "if [ -e /flags/always ]; then ./busybox sleep 1; echo secret of the program >&2; exit 7; fi; "
            + "if [ -e /flags/once ] && [ ! -e /crashed/once ]; then ./busybox touch /crashed/once; ./busybox sleep 1; exit 7; fi; "
            + "exec ./busybox httpd -f -p 127.0.0.1:$(PORT) -h www";
        var manifest = Manifests.Service(name, $"""["sh", "-c", "{Script}"]""", annotations: FewSeconds).Replace("      containers:", $$$"""
                  timeoutSeconds: 8
                  volumes: [{name: flags, configMap: {name: {{{name}}}-flags, optional: true}}, {name: crashed, emptyDir: {}}]
                  containers:
            """, StringComparison.Ordinal).Replace("        args:", """
                    volumeMounts: [{name: flags, mountPath: /flags}, {name: crashed, mountPath: /crashed}]
                    args:
            """, StringComparison.Ordinal);
        await _fixture.Kubectl.ApplyAsync(manifest);
        await _fixture.ReadyAsync(name);
        await _fixture.Kubectl.OkAsync("wait", "--for=delete", "pods", "-l", $"serving.knative.dev/service={name}", "--timeout=60s");
    }

    private async Task AddImageAsync()
    {
        var source = Directory.CreateDirectory(Path.Combine(_files, "image")).FullName;
        var scripts = Directory.CreateDirectory(Path.Combine(source, "www", "cgi-bin")).FullName;
        Directory.CreateDirectory(Path.Combine(source, "bin"));
        foreach (var program in new[] { "busybox", "bin/sh", "bin/sleep" })
        {
            File.Copy(ServalFixture.Busybox, Path.Combine(source, program));
        }
        await File.WriteAllTextAsync(Path.Combine(source, "www", "index.html"), "alive\n");
        foreach (var (name, script) in new[]
        {
            ("half", "printf 'Content-Type: text/plain\\r\\nContent-Length: 1000\\r\\n\\r\\nhalf'; /bin/sleep 1; kill -9 $PPID"),
            ("nothing", "kill -9 $PPID"),
        })
        {
            await File.WriteAllTextAsync(Path.Combine(scripts, name), $"#!/bin/sh\n{script}\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(Path.Combine(scripts, name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }
        }
        var (code, _, errors) = await _fixture.Serval.RunAsync("image", "add", "dev.local/mortal:1", source, "--entrypoint", "./busybox");
        Assert.True(code == 0, errors);
    }
}
