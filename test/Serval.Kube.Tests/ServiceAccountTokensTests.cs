using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Kube.Tokens;

namespace Serval.Kube.Tests;

/// <summary>RFC 7515 (the signature), RFC 7519 (the claims) and the claims that Kubernetes adds.</summary>
public sealed class ServiceAccountTokensTests
{
    private static readonly TokenAccount s_account = new("apps", "robot", "u-1");

    [Theory]
    [InlineData("vault", "vault")]
    [InlineData("", ServiceAccountTokens.Issuer)]
    public void Token_SaysWhoseItIsAndForWhom(string audience, string expected)
    {
        var tokens = new ServiceAccountTokens(ServiceAccountTokens.NewKey(), TimeProvider.System);

        var token = tokens.Issue(s_account, new BoundPod("p1", "u-2", "node-1"), audience, TimeSpan.FromHours(1));

        var claims = Part(token.Text, 1);
        Assert.Equal(expected, (string?)Assert.Single(claims["aud"]!.AsArray()));
        Assert.Equal("system:serviceaccount:apps:robot", (string?)claims["sub"]);
        Assert.Equal(ServiceAccountTokens.Issuer, (string?)claims["iss"]);
        Assert.Equal(3600, (long)claims["exp"]! - (long)claims["iat"]!);
        Assert.Equal((token.Begins, token.Ends), (DateTimeOffset.FromUnixTimeSeconds((long)claims["nbf"]!), DateTimeOffset.FromUnixTimeSeconds((long)claims["exp"]!)));
        Assert.Equal("""{"namespace":"apps","node":{"name":"node-1"},"pod":{"name":"p1","uid":"u-2"},"serviceaccount":{"name":"robot","uid":"u-1"}}""", claims["kubernetes.io"]!.ToJsonString());
    }

    [Fact]
    public void Token_IsSignedByTheKey()
    {
        var pem = ServiceAccountTokens.NewKey();
        var token = new ServiceAccountTokens(pem, TimeProvider.System).Issue(s_account, null, "", TimeSpan.FromHours(1)).Text;
        using var key = ECDsa.Create();
        key.ImportFromPem(pem);

        var end = token.LastIndexOf('.');
        Assert.Equal("ES256", (string?)Part(token, 0)["alg"]);
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes(token[..end]), Base64Url.DecodeFromChars(token.AsSpan(end + 1)), HashAlgorithmName.SHA256));
    }

    private static JsonObject Part(string token, int index) => JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[index]))!.AsObject();
}
