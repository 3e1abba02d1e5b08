using System.Net;
using System.Text;
using Serval.Kube.Certificates;
using Serval.Kube.Remote;

namespace Serval.Kube.Tests.Remote;

/// <summary>Which servers are believed.</summary>
public sealed class ClusterHandlerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Server_MustShowTheCertificateOfAServer(bool ofServer)
    {
        using var authority = new CertificateAuthority(CertificateAuthority.Generate("test", TimeProvider.System), TimeProvider.System);
        var pair = ofServer
            ? authority.IssueServer("localhost", ["localhost"], TimeSpan.FromDays(1))
            : authority.IssueClient("localhost", [], TimeSpan.FromDays(1)); // a client's, who calls himself as the server is called
        using var shown = pair.ToCertificate();
        await using var server = await StubServer.StartAsync(shown, StubServer.Say(200, "{}"));
        var access = server.Access with { Server = new UriBuilder(server.Access.Server) { Host = "localhost" }.Uri, Authorities = () => Encoding.UTF8.GetBytes(authority.CertificatePem) };
        using var client = new HttpClient(access.CreateHandler());
        if (ofServer)
        {
            using var response = await client.GetAsync(access.Server);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return;
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(access.Server));
        Assert.Empty(server.Asked);
    }

    /// <summary>tls-server-name of a kubeconfig: the name that the certificate is held to, whatever the URL says.</summary>
    [Theory]
    [InlineData("server.test", true)]
    [InlineData("other.test", false)]
    public async Task Server_IsHeldToTheGivenName(string name, bool believed)
    {
        using var authority = new CertificateAuthority(CertificateAuthority.Generate("test", TimeProvider.System), TimeProvider.System);
        using var shown = authority.IssueServer("server.test", ["server.test"], TimeSpan.FromDays(1)).ToCertificate();
        await using var server = await StubServer.StartAsync(shown, StubServer.Say(200, "{}"));
        using var client = new HttpClient((server.Access with { ServerName = name, Authorities = () => Encoding.UTF8.GetBytes(authority.CertificatePem) }).CreateHandler());
        if (believed)
        {
            using var response = await client.GetAsync(server.Access.Server);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return;
        }
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(server.Access.Server));
        Assert.Empty(server.Asked);
    }

    /// <summary>It may have reset a connection before the framework has looked at it.</summary>
    [Fact]
    public async Task Server_ThatResetsConnectionsAtOnce_IsNotReached()
    {
        using var server = new ResettingServer();
        using var client = new HttpMessageInvoker(new ClusterAccess { Server = new Uri($"http://127.0.0.1:{server.Port}"), Source = "test" }.CreateHandler());
        for (var i = 0; i < 2000; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{server.Port}/{i}");
            await Assert.ThrowsAsync<HttpRequestException>(() => client.SendAsync(request, CancellationToken.None));
        }
    }
}
