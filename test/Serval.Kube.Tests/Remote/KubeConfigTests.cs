using System.Text;
using Serval.Kube.Certificates;
using Serval.Kube.Remote;

namespace Serval.Kube.Tests.Remote;

public sealed class KubeConfigTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("serval-kubeconfig-").FullName;
    private readonly ManualTime _time = new(DateTimeOffset.Parse("2026-03-01T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_Context_TakesTheCurrentOrTheNamed()
    {
        var file = Write("config", Config("a", "https://a:1") + """
            current-context: a
            """);
        Assert.Equal(("https://a:1/", "ns-a", file), (Read(file).Server.ToString(), Read(file).Namespace, Read(file).Source));
        var broken = Assert.Throws<KubeConfigException>(() => KubeConfig.Read(file, "b", _time));
        Assert.Equal($"cannot read the kubeconfig {file}: it has no context \"b\"", broken.Message);
    }

    [Fact]
    public void Read_SeveralFiles_TheFirstEntryCounts()
    {
        string[] files = [Path.Combine(_folder, "absent"), Write("one", Config("a", "https://a:1")), Write("two", Config("a", "https://other:1") + "current-context: b\n"), Write("three", Config("b", "https://b:1"))];
        Assert.Equal("https://b:1/", KubeConfig.Read(files, "", _time).Server.ToString());
        Assert.Equal("https://a:1/", KubeConfig.Read(files, "a", _time).Server.ToString());
    }

    [Theory]
    [InlineData("[]", "not a mapping")]
    [InlineData("a: [", "")]
    [InlineData("current-context: x", "no context \"x\"")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]", "no cluster \"c\"")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: here}}]", "not a URL")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://a', certificate-authority-data: '%'}}]", "")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://a', certificate-authority: absent}}]", "absent")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://a'}}]", "no user \"u\"")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://a'}}]\nusers: [{name: u, user: {auth-provider: {name: gcp}}}]", "exec plugin")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://a'}}]\nusers: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: Always}}}]", "interactive")]
    public void Read_WhatCannotBeUsed_IsToldWithTheFile(string yaml, string why)
    {
        var file = Write("config", yaml);
        var broken = Assert.Throws<KubeConfigException>(() => Read(file));
        Assert.StartsWith($"cannot read the kubeconfig {file}: ", broken.Message, StringComparison.Ordinal);
        Assert.Contains(why, broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_RelativeFiles_AreBesideTheKubeconfig()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        Write("sub/token", "secret\n");
        Write("sub/ca.crt", CertificateAuthority.Generate("test", _time).CertificatePem);
        var file = Write("sub/config", Config("a", "https://a:1", "certificate-authority: ca.crt", "tokenFile: token, token: other") + "current-context: a\n");
        Assert.Single(Read(file).ReadAuthorities()!);
        Assert.Equal("Bearer secret", await AuthorizationAsync(Read(file)));
    }

    [Fact]
    public async Task Read_User_PicksTheWayToBeKnown()
    {
        async Task<string> Of(string user) => await AuthorizationAsync(Read(Write("config", Config("a", "https://a:1", user: user) + "current-context: a\n")));
        Assert.Equal("Bearer t", await Of("token: t, username: me, password: it"));
        Assert.Equal("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("me:it")), await Of("username: me, password: it"));
        Assert.Equal("", await Of(""));
        var access = Read(Write("config", Config("a", "https://a:1", user: "as: jane, as-uid: '5', as-groups: [x, z], as-user-extra: {some/key: [v]}") + "current-context: a\n"));
        Assert.Equal(
            [("Impersonate-User", "jane"), ("Impersonate-Uid", "5"), ("Impersonate-Group", "x"), ("Impersonate-Group", "z"), ("Impersonate-Extra-some%2Fkey", "v")],
            access.Impersonation);
    }

    [Fact]
    public async Task TokenFile_IsReadAgainEachMinuteAndWhenItIsRefused()
    {
        var file = Write("token", "one");
        var source = new TokenFile(file, certificate: null, _time);
        var first = await source.GetAsync(null, CancellationToken.None);
        Write("token", "two");
        Assert.Same(first, await source.GetAsync(null, CancellationToken.None));
        var second = await source.GetAsync(first, CancellationToken.None);
        Assert.Equal("two", second.Authorization!.Parameter);
        Assert.Same(second, await source.GetAsync(second, CancellationToken.None)); // the same is no reason to ask again
        Write("token", "three");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("three", (await source.GetAsync(null, CancellationToken.None)).Authorization!.Parameter);
        File.Delete(file);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("three", (await source.GetAsync(null, CancellationToken.None)).Authorization!.Parameter);
        await Assert.ThrowsAsync<KubeConfigException>(async () => await new TokenFile(file, null, _time).GetAsync(null, CancellationToken.None));
    }

    [Fact]
    public async Task Exec_RunsOnceUntilItExpiresOrIsRefused()
    {
        var source = Exec("""
            echo run >> runs
            printf '%s' "$KUBERNETES_EXEC_INFO" > info
            printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s","expirationTimestamp":"2026-03-01T12:10:00Z"}}' "$1-$WHO-$(wc -l < runs | tr -d ' ')"
            """);
        async Task<string> Token(Credential? refused = null) => (await source.GetAsync(refused, CancellationToken.None)).Authorization!.Parameter!;
        Assert.Equal(["arg-me-1", "arg-me-1"], await Task.WhenAll(Token(), Token()));
        Assert.Equal(
            """{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://a:1"},"interactive":false}}""",
            await File.ReadAllTextAsync(Path.Combine(_folder, "info")));
        Assert.Equal("arg-me-2", await Token(await source.GetAsync(null, CancellationToken.None)));
        _time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal("arg-me-2", await Token());
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("arg-me-3", await Token());
    }

    [Theory]
    [InlineData("echo no luck >&2; exit 3", "failed with exit code 3: no luck")]
    [InlineData("echo hello", "cannot be read")]
    [InlineData("""echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"t"}}'""", "expected an ExecCredential of client.authentication.k8s.io/v1,")]
    [InlineData("""echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}}'""", "neither a token nor a certificate")]
    [InlineData("yes", "said more than")]
    public async Task Exec_ThatGivesNoCredential_IsToldAndRunAgainNextTime(string script, string why)
    {
        var source = Exec(script);
        for (var i = 0; i < 2; i++)
        {
            Assert.Contains(why, (await Assert.ThrowsAsync<KubeConfigException>(async () => await source.GetAsync(null, CancellationToken.None))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Exec_OfAProgramThatIsNotThere_TellsHowToInstallIt()
    {
        var access = Read(Write("config", Config("a", "https://a:1", user: "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./absent, installHint: get it}") + "current-context: a\n"));
        var error = await Assert.ThrowsAsync<KubeConfigException>(async () => await access.Credentials.GetAsync(null, CancellationToken.None));
        Assert.StartsWith($"exec: executable {_folder}/./absent not found", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("\nget it", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InCluster_IsThePodsServiceAccount()
    {
        Write("token", "t");
        Write("namespace", "here\n");
        var set = new Dictionary<string, string> { ["KUBERNETES_SERVICE_HOST"] = "fd00::1", ["KUBERNETES_SERVICE_PORT"] = "443" };
        var access = InCluster.Find(set.GetValueOrDefault, _folder, _time)!;
        Assert.Equal(("https://[fd00::1]/", "here", "Bearer t"), (access.Server.ToString(), access.Namespace, await AuthorizationAsync(access)));
        Assert.Null(InCluster.Find(_ => null, _folder, _time));
    }

    private ICredentialSource Exec(string script)
    {
        var file = Write("give", $"cd '{_folder}'\n{script}\n");
        var plugin = $"exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{file}', arg], env: [{{name: WHO, value: me}}], provideClusterInfo: true, interactiveMode: Never}}";
        return Read(Write("config", Config("a", "https://a:1", user: plugin) + "current-context: a\n")).Credentials;
    }

    private ClusterAccess Read(string file) => KubeConfig.Read(file, "", _time);

    private static async Task<string> AuthorizationAsync(ClusterAccess access) =>
        (await access.Credentials.GetAsync(null, CancellationToken.None)).Authorization?.ToString() ?? "";

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Config(string name, string server, string cluster = "", string user = "") => $$"""
        apiVersion: v1
        kind: Config
        contexts: [{name: {{name}}, context: {cluster: {{name}}, user: {{name}}, namespace: ns-{{name}} } }]
        clusters:
        - name: {{name}}
          cluster: {server: "{{server}}"{{(cluster.Length > 0 ? ", " + cluster : "")}} }
        users: [{name: {{name}}, user: { {{user}} } }]

        """;
}
