namespace Serval.FunctionalTests;

/// <summary>ConfigMaps and Secrets as files of a service.</summary>
public sealed class VolumeTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Service_MountingConfigMapAndSecret_ServesTheirFiles()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("motd", """{"motd.txt": "good morning"}"""));
        await fixture.Kubectl.ApplyAsync("""{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "word"}, "stringData": {"word.txt": "swordfish"}}""");
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: files}
            spec:
              template:
                spec:
                  containers:
                  - image: dev.local/bb:1
                    args: ["httpd", "-f", "-p", "127.0.0.1:$(PORT)", "-h", "/etc"]
                    volumeMounts:
                    - {name: config, mountPath: /etc/demo}
                    - {name: secret, mountPath: /etc/demo-secret}
                  volumes:
                  - {name: config, configMap: {name: motd}}
                  - {name: secret, secret: {secretName: word}}
            """);
        await fixture.ReadyAsync("files");
        Assert.EndsWith("good morning", (await fixture.Serval.InvokeAsync("files", "/demo/motd.txt")).Text, StringComparison.Ordinal);
        Assert.EndsWith("swordfish", (await fixture.Serval.InvokeAsync("files", "/demo-secret/word.txt")).Text, StringComparison.Ordinal);
    }
}
