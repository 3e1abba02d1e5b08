using System.Diagnostics;
using System.Text.Json;

namespace Serval.FunctionalTests;

/// <summary>A program in a pod resolves names with its libc, as it would in a cluster. Where pods have no networks of their own, nobody resolves them.</summary>
public sealed class NamesTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Image = "dev.local/names:1";

    [Fact]
    public async Task Services_AndPublicHosts_AreCalledByNameFromAPod()
    {
        if (!await PodNetworkTests.HasNetworksAsync(fixture.Serval))
        {
            return;
        }
        await AddImageAsync();
        await fixture.Kubectl.OkAsync("patch", "configmap", "config-domain", "-n", "knative-serving", "--type", "merge", "-p", """{"data":{"apps.test":""}}""");
        await fixture.ServiceAsync("inner");
        await fixture.Kubectl.OkAsync("label", "ksvc", "inner", "networking.knative.dev/visibility=cluster-local");
        await fixture.ServiceAsync("shown");
        await fixture.UntilAsync("/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name=shown", HasDomain);
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: { name: plain }
            spec:
              selector: { app: plain }
              ports: [{ port: 81, targetPort: 8080 }]
            """);
        await fixture.Kubectl.ApplyAsync(Pod("plain", "./busybox httpd -f -p 8080 -h www"));
        await fixture.Kubectl.OkAsync("wait", "--for=condition=Ready", "pod/plain", "--timeout=30s");
        string[] names = ["inner.default", "inner.default.svc", "inner.default.svc.cluster.local", "shown.default.apps.test"];
        var calls = names.Select(n => Call(n, 80)).Append(Call("shown.default.apps.test", fixture.Serval.GatewayPort)).Append(Call("plain", 81));

        await fixture.Kubectl.ApplyAsync(Pod("asking", $"{string.Join(" && ", calls)} && cat /etc/resolv.conf && ! getent ahostsv4 nobody.default && echo done; sleep 60"));
        await fixture.Kubectl.FollowUntilAsync("done", () => Task.CompletedTask, "logs", "-f", "asking");

        var said = await fixture.Kubectl.OkAsync("logs", "asking");
        Assert.Equal(names.Length + 2, said.Split("hello from busybox").Length - 1);
        Assert.StartsWith("search default.svc.cluster.local svc.cluster.local cluster.local", said[said.IndexOf("search ", StringComparison.Ordinal)..], StringComparison.Ordinal);

        static bool HasDomain(System.Text.Json.Nodes.JsonObject service) => ((string?)service["status"]?["url"])?.Contains("apps.test", StringComparison.Ordinal) == true;
    }

    // A static busybox has no resolver of its own: getent resolves as any program with libc does.
    private static string Call(string name, int port) =>
        $"address=$(getent ahostsv4 {name} | ./busybox head -n 1 | ./busybox cut -d ' ' -f 1) && ./busybox wget -q -O - --header 'Host: {name}' http://$address:{port}/";

    private static string Pod(string name, string script) => $$"""
        apiVersion: v1
        kind: Pod
        metadata:
          name: {{name}}
          labels: { app: {{name}} }
        spec:
          terminationGracePeriodSeconds: 0
          containers:
          - name: main
            image: {{Image}}
            args: [sh, -c, {{JsonSerializer.Serialize(script)}}]
        """;

    private async Task AddImageAsync()
    {
        var source = Directory.CreateTempSubdirectory("serval-names-").FullName;
        Directory.CreateDirectory(Path.Combine(source, "www"));
        await File.WriteAllTextAsync(Path.Combine(source, "www", "index.html"), "hello from busybox\n");
        File.Copy(ServalFixture.Busybox, Path.Combine(source, "busybox"));
        using var ldd = Process.Start(new ProcessStartInfo("ldd", "/usr/bin/getent") { RedirectStandardOutput = true })!;
        var needed = (await ldd.StandardOutput.ReadToEndAsync()).Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(File.Exists);
        foreach (var file in needed.Append("/usr/bin/getent"))
        {
            Directory.CreateDirectory(source + Path.GetDirectoryName(file));
            File.Copy(file, source + file);
        }
        var (code, _, errors) = await fixture.Serval.RunAsync("image", "add", Image, source, "--entrypoint", "./busybox");
        Assert.True(code == 0, errors);
        Directory.Delete(source, recursive: true);
    }
}
