using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary><c>serval why</c> and the message of the service's condition, for what users meet: one glance says the cause and what to do.</summary>
public sealed class WhyTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Services = "/apis/serving.knative.dev/v1/namespaces/default/services";

    /// <summary>Services that fail: the message of Ready in their status, the verdict, and what is advised.</summary>
    [Theory]
    [InlineData("no-image", "image: dev.local/none:9", "Unable to fetch image \"dev.local/none:9\"", "Image dev.local/none:9", "serval image add")]
    [InlineData("no-command", "image: dev.local/naked:1", "no command specified: image dev.local/naked@sha256:", "Container user-container: CreateContainerError", "command")]
    [InlineData("other-machine", "image: dev.local/bare:1\n        command: [./alien]", "it is no program for this machine", "Container user-container: CreateContainerError", "correct the image")]
    [InlineData("no-loader", "image: dev.local/bare:1\n        command: [./script]", "the interpreter or loader that it names is not in the image", "Container user-container: CreateContainerError", "correct the image")]
    [InlineData("no-permission", "image: dev.local/bb:1\n        command: [www/index.html]", "is not an executable file", "Container user-container: CreateContainerError", "correct the image")]
    [InlineData("no-program", "image: dev.local/bb:1\n        command: [/no/such]", "\"/no/such\": executable file not found", "Container user-container: CreateContainerError", "command")]
    [InlineData("no-secret", "image: dev.local/bb:1\n        envFrom: [{secretRef: {name: nosuch}}]", "secret \"nosuch\" not found", "Container user-container: CreateContainerConfigError", "create what is missing")]
    [InlineData("no-volume", "image: dev.local/bb:1\n        volumeMounts: [{name: v, mountPath: /etc/v}]\n      volumes: [{name: v, configMap: {name: nosuch}}]", "configmap \"nosuch\" not found", "Container user-container: CreateContainerConfigError", "create what is missing")]
    [InlineData("exits", "image: dev.local/bb:1\n        args: [sh, -c, \"echo first; echo last words; exit 3\"]", "last words", "Container user-container: ExitCode3: ended with exit code 3", "serval logs")]
    [InlineData("killed", "image: dev.local/bb:1\n        args: [sh, -c, \"kill -9 $$$$\"]", "exit code 137 (SIGKILL)", "Container user-container: ExitCode137: ended with exit code 137 (SIGKILL)", "serval logs")]
    [InlineData("never-listens", "image: dev.local/bb:1\n        args: [sleep, \"1000\"]", "it listens on no port", "Container user-container: NotListening: has not opened port", "let the program listen on the port in the variable PORT")]
    [InlineData("other-port", "image: dev.local/bb:1\n        args: [httpd, -f, -p, \"127.0.0.1:18990\", -h, www]", "it listens on 18990, $PORT is", "Container user-container: NotListening: has not opened port", "name the port it opens as containerPort")]
    [InlineData("other-address", "image: dev.local/bb:1\n        args: [httpd, -f, -p, \"127.0.0.7:$(PORT)\", -h, www]", "it listens on 127.0.0.7:", "Container user-container: NotListening: has not opened port", "on 0.0.0.0 or 127.0.0.1")]
    [InlineData("probe-fails", "image: dev.local/bb:1\n        args: [httpd, -f, -p, \"127.0.0.1:$(PORT)\", -h, www]\n        readinessProbe: {httpGet: {path: /none}, periodSeconds: 1}", "is not ready: HTTP probe failed with statuscode: 404 (GET http://", "Container user-container: ProbeFailed: is not ready", "let the program answer the probe")]
    public async Task Service_ThatFails_SaysWhyAndWhatToDo(string name, string container, string message, string verdict, string advice)
    {
        await AddBareImageAsync();
        await fixture.Kubectl.ApplyAsync(Service(name, container.Replace("image:", "env: [{name: TOKEN, value: hush-hush}]\n        image:", StringComparison.Ordinal)));
        await fixture.UntilAsync(
            $"{Services}?fieldSelector=metadata.name={name}",
            o => KubeHttp.ConditionOf(o, "Ready") != "True" && KubeHttp.ConditionOf(o, "Ready", "message")?.Contains(message, StringComparison.Ordinal) == true);

        var (code, text, _) = await fixture.Serval.RunAsync("why", name);

        Assert.Equal(1, code);
        var lines = text.Split('\n');
        Assert.StartsWith($"{name} is not ready: {verdict}", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("What to do: ", lines[1], StringComparison.Ordinal);
        Assert.Contains(advice, lines[1], StringComparison.Ordinal);
        Assert.DoesNotContain("hush", text + await fixture.Kubectl.OkAsync("get", "ksvc", name, "-o", "jsonpath={.status}"), StringComparison.Ordinal);
        await fixture.Kubectl.OkAsync("delete", "ksvc", name);
    }

    [Fact]
    public async Task Service_ThatWaitsForItsDeadline_SaysHowLong()
    {
        await fixture.Kubectl.ApplyAsync(Service("slow", "image: dev.local/bb:1\n        args: [sleep, \"1000\"]"));
        await fixture.UntilAsync(
            "/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service=slow",
            o => KubeHttp.ConditionOf(o, "Ready", "message")?.Contains("it listens on no port", StringComparison.Ordinal) == true);

        Assert.Matches(@"\?\? Deployment +slow-00001-deployment +0 of 1 available; it fails in 9m\d+s if none is \(progress deadline 10m0s\)", (await fixture.Serval.RunAsync("why", "slow")).Out);
        await fixture.Kubectl.OkAsync("delete", "ksvc", "slow");
    }

    [Fact]
    public async Task Service_ThatIsWell_SaysSo_WithAndWithoutInstances()
    {
        await fixture.ServiceAsync("fine", """{"autoscaling.knative.dev/window": "6s"}""");

        var (code, text, _) = await fixture.Serval.RunAsync("why", "fine");
        Assert.Equal((0, "fine is ready, 1 instance ready"), (code, text.Split('\n')[0]));
        var value = JsonNode.Parse((await fixture.Serval.RunAsync("why", "service/fine", "-o", "json")).Out)!;
        Assert.True((bool?)value["well"]);
        Assert.Equal(["Service", "Configuration", "Route", "Revision", "Image", "Deployment", "Autoscaler", "Pod"], value["chain"]!.AsArray().Select(s => (string?)s!["kind"]));
        var pod = await fixture.Kubectl.OkAsync("get", "pods", "-l", "serving.knative.dev/service=fine", "-o", "jsonpath={.items[0].metadata.name}");
        foreach (var other in new[] { "revision/fine-00001", "route/fine", "configuration/fine", $"pod/{pod}" })
        {
            (code, text, _) = await fixture.Serval.RunAsync("why", other);
            Assert.True(code == 0, text);
        }
        await fixture.Kubectl.OkAsync("patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", """{"data":{"scale-to-zero-grace-period":"6s"}}""");
        await fixture.Kubectl.OkAsync("wait", "--for=delete", $"pod/{pod}", "--timeout=90s");

        (code, text, _) = await fixture.Serval.RunAsync("why", "fine");
        Assert.Equal((0, "fine is ready, scaled to zero: the next request starts an instance"), (code, text.Split('\n')[0]));
    }

    [Fact]
    public async Task Route_ToAMissingRevision_SaysWhich()
    {
        await fixture.ServiceAsync("astray");
        await fixture.Kubectl.OkAsync("patch", "ksvc", "astray", "--type=merge", "-p", """{"spec":{"traffic":[{"revisionName":"astray-00009","percent":100}]}}""");
        await fixture.UntilAsync($"{Services}?fieldSelector=metadata.name=astray", o => KubeHttp.ConditionOf(o, "Ready", "reason") == "RevisionMissing");

        var (code, text, _) = await fixture.Serval.RunAsync("why", "astray");

        Assert.Equal(1, code);
        Assert.Matches("""^astray is not ready: Route astray: not ready for \d+s: RevisionMissing: Revision "astray-00009" referenced in traffic not found.\nWhat to do: name a revision that exists""", text);
        await fixture.AnswersAsync("astray", 200); // the last good traffic goes on
    }

    [Fact]
    public async Task UnknownNames_HaveTheirOwnExitCodes()
    {
        Assert.Equal(3, (await fixture.Serval.RunAsync("why", "nobody")).Code);
        Assert.Equal(3, (await fixture.Serval.RunAsync("why", "revision/nobody")).Code);
        Assert.Equal(2, (await fixture.Serval.RunAsync("why", "nothing/nobody")).Code);
    }

    private static string Service(string name, string container) => $"""
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          name: {name}
        spec:
          template:
            spec:
              containers:
              - {container}
        """;

    private async Task AddBareImageAsync()
    {
        var source = Directory.CreateTempSubdirectory("serval-bare-").FullName;
        try
        {
            await File.WriteAllBytesAsync(Path.Combine(source, "alien"), [0x7f, .. "not a program"u8]);
            await File.WriteAllTextAsync(Path.Combine(source, "script"), "#!/no/such/interpreter\n");
            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
                File.SetUnixFileMode(Path.Combine(source, "alien"), mode);
                File.SetUnixFileMode(Path.Combine(source, "script"), mode);
            }
            var (code, _, errors) = await fixture.Serval.RunAsync("image", "add", "dev.local/bare:1", source, "--entrypoint", "./script");
            Assert.True(code == 0, errors);
            (code, _, errors) = await fixture.Serval.RunAsync("image", "load", await NakedImageAsync(Path.Combine(source, "naked.tar")));
            Assert.True(code == 0, errors);
        }
        finally
        {
            Directory.Delete(source, recursive: true);
        }
    }

    // As `docker save` writes an image that says nothing of a command.
    private static async Task<string> NakedImageAsync(string path)
    {
        var layer = Tar(("file", "content"u8.ToArray()));
        var architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64";
        var config = $$"""{"os":"linux","architecture":"{{architecture}}","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:{{Convert.ToHexStringLower(SHA256.HashData(layer))}}"]} }""";
        await File.WriteAllBytesAsync(path, Tar(
            ("manifest.json", """[{"Config":"config.json","RepoTags":["dev.local/naked:1"],"Layers":["layer.tar"]}]"""u8.ToArray()),
            ("config.json", Encoding.UTF8.GetBytes(config)),
            ("layer.tar", layer)));
        return path;
    }

    private static byte[] Tar(params (string Name, byte[] Content)[] files)
    {
        var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
            }
        }
        return bytes.ToArray();
    }
}
