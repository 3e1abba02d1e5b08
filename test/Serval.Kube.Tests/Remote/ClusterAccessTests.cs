using System.Net;
using Serval.Kube.Certificates;
using Serval.Kube.Remote;

namespace Serval.Kube.Tests.Remote;

/// <summary>Where a role finds its API server, and what becomes of credentials that somebody renews.</summary>
public sealed class ClusterAccessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("serval-access-").FullName;
    private readonly Dictionary<string, string> _environment = [];
    private readonly ManualTime _time = new();

    public ClusterAccessTests() => _environment["HOME"] = _folder;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Find_TakesTheNamedFile_ThenKubeconfig_ThenTheCluster_ThenTheOwnOne()
    {
        Write(".kube/config", Config("https://own:1"));
        Assert.Equal("https://own:1/", Find().Server.ToString());
        Write("account/token", "t");
        (_environment["KUBERNETES_SERVICE_HOST"], _environment["KUBERNETES_SERVICE_PORT"]) = ("10.0.0.1", "443");
        Assert.Equal("https://10.0.0.1/", Find().Server.ToString());
        Assert.Equal("https://own:1/", Find(context: "c").Server.ToString()); // a pod's account has no contexts
        _environment["KUBECONFIG"] = $"{_folder}/absent{Path.PathSeparator}{Write("listed", Config("https://listed:1"))}";
        Assert.Equal("https://listed:1/", Find().Server.ToString());
        Assert.Equal("https://named:1/", Find(Write("named", Config("https://named:1"))).Server.ToString());
    }

    [Fact]
    public void Find_Nothing_SaysWhatToDo()
    {
        Assert.Equal(
            $"there is no API server to talk to: name a kubeconfig with --kubeconfig or KUBECONFIG, or write {_folder}/.kube/config; this process is no pod with a service account either",
            Assert.Throws<KubeConfigException>(() => Find()).Message);
        _environment["KUBECONFIG"] = "/absent/a:/absent/b";
        Assert.Equal(
            "no file that KUBECONFIG names exists (/absent/a:/absent/b); correct it, or name a kubeconfig with --kubeconfig",
            Assert.Throws<KubeConfigException>(() => Find()).Message);
        Assert.Equal("the kubeconfig /absent/c does not exist; name an existing file", Assert.Throws<KubeConfigException>(() => Find("/absent/c")).Message);
    }

    [Fact]
    public async Task Token_RenewedInTheFile_IsShownAfterARefusal()
    {
        await using var server = await StubServer.StartAsync(StubServer.Say(200, "{}"), StubServer.Say(401, ""), StubServer.Say(200, "{}"), StubServer.Say(401, ""));
        var file = Write("config", Config(server.Access.Server.ToString(), "token: one"));
        using var client = new HttpClient(KubeConfig.Read(file, "", _time).CreateHandler());
        await client.GetAsync(server.Access.Server);
        Write("config", Config(server.Access.Server.ToString(), "token: two"));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(server.Access.Server)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(server.Access.Server)).StatusCode); // nothing new: once is enough
        Assert.Equal(["GET / Bearer one", "GET / Bearer one", "GET / Bearer two", "GET / Bearer two"], server.Asked);
    }

    [Fact]
    public async Task Certificate_RenewedInItsFile_IsTheOneOfTheNextMinute_AndAHalfWrittenOneIsNot()
    {
        using var authority = new CertificateAuthority(CertificateAuthority.Generate("test", _time), _time);
        WritePair(authority);
        var source = KubeConfig.Read(Write("config", Config("https://a:1", "client-certificate: pair.crt, client-key: pair.key")), "", _time).Credentials;
        async Task<string> Shown() => (await source.GetAsync(null, CancellationToken.None)).Certificate!.SerialNumber;
        var first = await Shown();
        WritePair(authority);
        Assert.Equal(first, await Shown());
        _time.Advance(TimeSpan.FromMinutes(1));
        var second = await Shown();
        Assert.NotEqual(first, second);
        Write("pair.crt", "-----BEGIN CERT");
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(second, await Shown());
    }

    private void WritePair(CertificateAuthority authority)
    {
        var pair = authority.IssueClient("me", [], TimeSpan.FromDays(1));
        Write("pair.key", pair.KeyPem);
        Write("pair.crt", pair.CertificatePem);
    }

    private ClusterAccess Find(string path = "", string context = "") =>
        ClusterAccess.Find(path, context, _environment.GetValueOrDefault, Path.Combine(_folder, "account"), _time);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Config(string server, string user = "") => $$$"""
        apiVersion: v1
        kind: Config
        current-context: c
        contexts: [{name: c, context: {cluster: c, user: c}}]
        clusters: [{name: c, cluster: {server: "{{{server}}}"}}]
        users: [{name: c, user: { {{{user}}} } }]
        """;
}
