using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Serval.ApiServer.Certificates;
using Serval.Kube.Certificates;

namespace Serval.ApiServer.Tests.Certificates;

public sealed class AuthenticationTests : IAsyncLifetime
{
    private ApiServerFixture _server = null!;

    public async Task InitializeAsync() => _server = await ApiServerFixture.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("/healthz", HttpStatusCode.OK)]
    [InlineData("/readyz", HttpStatusCode.OK)]
    [InlineData("/livez", HttpStatusCode.OK)]
    [InlineData("/version", HttpStatusCode.Unauthorized)]
    [InlineData("/api", HttpStatusCode.Unauthorized)]
    [InlineData("/api/v1/pods", HttpStatusCode.Unauthorized)]
    [InlineData("/nothing", HttpStatusCode.Unauthorized)]
    public async Task Anonymous_SeesHealthOnly(string path, HttpStatusCode expected)
    {
        using var client = _server.Connect(withCertificate: false);
        using var response = await client.GetAsync(path);
        Assert.Equal(expected, response.StatusCode);
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.Unauthorized)]
    public async Task Token_RightOne_IsTheAdministrator(bool right, HttpStatusCode expected)
    {
        using var client = _server.Connect(withCertificate: false);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", right ? _server.AdminToken : "guess");
        using var response = await client.GetAsync("/api/v1/pods");
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public void Files_OfSecrets_AreTheOwnersAlone()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var files = Directory.GetFiles(Path.Combine(_server.DataDirectory, "certificates")).Append(_server.Host.KubeconfigPath).ToList();
        Assert.Equal(9, files.Count);
        foreach (var file in files)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public async Task Start_PortTaken_NamesPortAndOption()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => ApiServerHost.StartAsync(new ApiServerOptions
        {
            DataDirectory = _server.DataDirectory, Client = _server.Objects, Port = _server.Host.Port, TimeProvider = _server.Clock,
        }));
        Assert.Contains($"port {_server.Host.Port}", error.Message, StringComparison.Ordinal);
        Assert.Contains("--api-port", error.Message, StringComparison.Ordinal);
    }
}

public sealed class CredentialsTests : IDisposable
{
    private static readonly TimeSpan s_year = TimeSpan.FromDays(365);

    private readonly string _directory = Directory.CreateTempSubdirectory("serval-pki-").FullName;
    private readonly ManualTime _clock = new(DateTimeOffset.Parse("2026-03-01T12:00:00Z"));

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Open_Again_KeepsEverything()
    {
        using var first = Open("localhost");
        using var second = Open("localhost");
        Assert.Equal(first.ServerCertificate().Thumbprint, second.ServerCertificate().Thumbprint);
        Assert.Equal(first.Admin, second.Admin);
        Assert.Equal(first.AdminToken, second.AdminToken);
    }

    /// <summary>Also when it is this machine's, but not the usual one.</summary>
    [Fact]
    public async Task Server_IsCertifiedForTheAddressItListensOn()
    {
        await using var server = await ApiServerFixture.StartAsync(o => o with { Address = IPAddress.Parse("127.0.0.9") });
        Assert.Equal("127.0.0.9", server.Host.Address.Host);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync(HttpMethod.Get, "/version")).Response.StatusCode);
    }

    [Fact]
    public void Open_OtherHosts_RenewsTheServersOnly()
    {
        using var first = Open("localhost");
        using var second = Open("localhost", "serval.example");
        Assert.NotEqual(first.ServerCertificate().Thumbprint, second.ServerCertificate().Thumbprint);
        Assert.True(second.ServerCertificate().MatchesHostname("serval.example"));
        Assert.Equal(first.Admin, second.Admin);
    }

    [Fact]
    public void ServerCertificate_NearItsEnd_IsRenewedWithTheAdministrators()
    {
        using var credentials = Open("localhost");
        var (server, admin, told) = (credentials.ServerCertificate().Thumbprint, credentials.Admin, 0);
        credentials.ClientsRenewed += () => told++;
        _clock.Advance(TimeSpan.FromDays(340));
        Assert.NotEqual(server, credentials.ServerCertificate().Thumbprint);
        Assert.NotEqual(admin, credentials.Admin);
        Assert.Equal(1, told);
    }

    [Fact]
    public void Vouches_ForeignOrServerCertificate_No()
    {
        using var credentials = Open("localhost");
        using var other = new CertificateAuthority(CertificateAuthority.Generate("serval-ca", _clock), _clock);
        using var foreign = other.IssueClient("kubernetes-admin", ["system:masters"], s_year).ToCertificate();
        using var own = credentials.Admin.ToCertificate();
        Assert.True(credentials.Authority.Vouches(own));
        Assert.False(credentials.Authority.Vouches(foreign));
        Assert.False(credentials.Authority.Vouches(credentials.ServerCertificate()));
        _clock.Advance(TimeSpan.FromDays(400));
        Assert.False(credentials.Authority.Vouches(own));
    }

    /// <summary>What lies there of another authority, with another's key, torn or for another use is not served.</summary>
    [Theory]
    [InlineData("foreign")]
    [InlineData("forged")]
    [InlineData("other key")]
    [InlineData("torn")]
    [InlineData("other use")]
    public void Open_LeafThatDoesNotFit_IsMadeAnew(string harm)
    {
        Open("localhost").Dispose();
        Harm(harm);
        using var credentials = Open("localhost");
        using var server = credentials.ServerCertificate();
        using var admin = credentials.Admin.ToCertificate();
        Assert.True(credentials.Authority.Vouches(admin));
        Assert.True(credentials.Authority.Signed(server, CertificateAuthority.ServerUse, _clock.GetUtcNow().UtcDateTime));
        using var again = Open("localhost");
        Assert.Equal((server.Thumbprint, credentials.Admin), (again.ServerCertificate().Thumbprint, again.Admin));
    }

    [Fact]
    public void Open_ClockSetBack_KeepsEverything()
    {
        using var first = Open("localhost");
        using var second = Credentials.Open(_directory, ["localhost"], new ManualTime(DateTimeOffset.UnixEpoch));
        Assert.Equal((first.ServerCertificate().Thumbprint, first.Admin), (second.ServerCertificate().Thumbprint, second.Admin));
    }

    [Fact]
    public void Open_BrokenFile_SaysWhatToDo()
    {
        Open("localhost").Dispose();
        File.WriteAllText(Path.Combine(_directory, "ca.key"), "nonsense");
        var error = Assert.Throws<InvalidOperationException>(() => Open("localhost"));
        Assert.Contains(_directory, error.Message, StringComparison.Ordinal);
    }

    private void Harm(string harm)
    {
        var (server, admin) = (KeyPairFiles.Load(_directory, "apiserver")!, KeyPairFiles.Load(_directory, "admin")!);
        using var other = new CertificateAuthority(CertificateAuthority.Generate("serval-ca", _clock), _clock);
        using var forger = new CertificateAuthority(Forged(), _clock);
        (server, admin) = harm switch
        {
            "foreign" => (other.IssueServer("serval-apiserver", ["localhost"], s_year), other.IssueClient(Credentials.AdminUser, [Credentials.AdminGroup], s_year)),
            "forged" => (forger.IssueServer("serval-apiserver", ["localhost"], s_year), forger.IssueClient(Credentials.AdminUser, [Credentials.AdminGroup], s_year)),
            "other key" => (server with { KeyPem = admin.KeyPem }, admin with { KeyPem = server.KeyPem }),
            "torn" => (server with { CertificatePem = server.CertificatePem[..200] }, admin with { KeyPem = "" }),
            _ => (admin, server),
        };
        server.Save(_directory, "apiserver");
        admin.Save(_directory, "admin");
    }

    /// <summary>An authority of the same name, which says that its key is the one of the real one.</summary>
    private KeyPair Forged()
    {
        using var real = KeyPairFiles.Load(_directory, "ca")!.ToCertificate();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(real.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (var extension in real.Extensions)
        {
            request.CertificateExtensions.Add(extension);
        }
        using var certificate = request.CreateSelfSigned(real.NotBefore, real.NotAfter);
        return KeyPair.From(certificate, key);
    }

    private Credentials Open(params string[] hosts) => Credentials.Open(_directory, hosts, _clock);
}
