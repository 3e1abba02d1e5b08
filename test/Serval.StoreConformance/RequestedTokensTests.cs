using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube.Remote;
using Serval.Kube.Tokens;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>Tokens of pods as a node in another process asks for them.</summary>
public sealed class RequestedTokensTests : IAsyncLifetime
{
    private readonly TokenAccount _account = new("facts", "robot", "");
    private ServedStore _server = null!;
    private HttpKubeClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await ServedStore.OpenAsync(new StoreOptions());
        _client = ServedStore.Connect(_server.Access, TimeProvider.System);
        await _server.Embedded.CreateAsync(
            Kinds.ServiceAccount, KubeObject.Parse("""{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot","namespace":"facts"}}"""u8.ToArray()), Write);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("", ServiceAccountTokens.Issuer)]
    [InlineData("vault", "vault")]
    public async Task Token_IsBoundToThePod_AndForItsAudience(string audience, string expected)
    {
        var pod = await _server.Embedded.CreateAsync(
            Kinds.Pod,
            KubeObject.Parse("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"facts"},"spec":{"serviceAccountName":"robot","nodeName":"n1","containers":[{"name":"c","image":"x"}]}}"""u8.ToArray()),
            Write);

        var token = await new RequestedTokens(_client, TimeProvider.System).IssueAsync(
            _account, new BoundPod("p", pod.Metadata.Uid, "n1"), audience, TimeSpan.FromMinutes(20), default);

        var claims = JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Text.Split('.')[1]))!;
        Assert.Equal((expected, "system:serviceaccount:facts:robot"), ((string?)claims["aud"]![0], (string?)claims["sub"]));
        Assert.Equal(("p", pod.Metadata.Uid, "n1"),
            ((string?)claims["kubernetes.io"]!["pod"]!["name"], (string?)claims["kubernetes.io"]!["pod"]!["uid"], (string?)claims["kubernetes.io"]!["node"]!["name"]));
        Assert.Equal((20 * 60, token.Ends.ToUnixTimeSeconds()), ((long)claims["exp"]! - (long)claims["iat"]!, (long)claims["exp"]!));
    }

    [Fact]
    public async Task Token_OfAPodThatIsNotThere_IsRefused()
    {
        var failure = await Assert.ThrowsAsync<ApiException>(
            () => new RequestedTokens(_client, TimeProvider.System).IssueAsync(_account, new BoundPod("gone", "u", "n1"), "", TimeSpan.FromHours(1), default).AsTask());

        Assert.True(failure.IsNotFound);
    }
}
