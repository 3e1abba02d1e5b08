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

    /// <summary>
    /// TestConfigMapVolume, TestSecretVolume, TestProjectedConfigMapVolume, TestProjectedSecretVolume and TestProjectedComplex: several sources in one directory, one file of
    /// a volume alone, the pod's own fields, and what is optional may be missing.
    /// </summary>
    [Fact]
    public async Task Service_MountingProjectedSources_ServesWhatIsThere()
    {
        await fixture.Kubectl.ApplyAsync(Manifests.ConfigMap("some", """{"one.txt": "first", "two.txt": "second"}"""));
        await fixture.Kubectl.ApplyAsync("""{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hush"}, "stringData": {"deep.txt": "hidden", "left.txt": "out"}}""");
        await fixture.ConfigureAsync("config-features", "kubernetes.podspec-fieldref", "Enabled");
        await fixture.Kubectl.ApplyAsync("""
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: projected}
            spec:
              template:
                spec:
                  containers:
                  - image: dev.local/bb:1
                    args: ["httpd", "-f", "-p", "127.0.0.1:$(PORT)", "-h", "/srv"]
                    volumeMounts:
                    - {name: all, mountPath: /srv/all, readOnly: true}
                    - {name: all, mountPath: /srv/single.txt, subPath: one.txt, readOnly: true}
                    - {name: none, mountPath: /srv/none, readOnly: true}
                  volumes:
                  - name: all
                    projected:
                      sources:
                      - configMap: {name: some}
                      - configMap: {name: no-such, optional: true}
                      - secret: {name: hush, items: [{key: deep.txt, path: sub/renamed.txt}]}
                      - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.namespace}}]}
                      - serviceAccountToken: {path: token, audience: api}
                  - {name: none, secret: {secretName: no-such, optional: true}}
            """);
        await fixture.ReadyAsync("projected");
        foreach (var (path, content) in new[] { ("/all/one.txt", "first"), ("/all/two.txt", "second"), ("/all/sub/renamed.txt", "hidden"), ("/all/name", "default"), ("/single.txt", "first") })
        {
            Assert.EndsWith("\r\n\r\n" + content, (await fixture.Serval.InvokeAsync("projected", path)).Text, StringComparison.Ordinal);
        }
        Assert.Matches(@"\r\n\r\n[\w-]+\.[\w-]+\.[\w-]+$", (await fixture.Serval.InvokeAsync("projected", "/all/token")).Text);
        Assert.Equal(404, (await fixture.Serval.InvokeAsync("projected", "/all/left.txt")).Code);
        Assert.Equal(404, (await fixture.Serval.InvokeAsync("projected", "/none/deep.txt")).Code);
    }
}
