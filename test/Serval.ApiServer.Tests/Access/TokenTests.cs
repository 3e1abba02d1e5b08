using System.Buffers.Text;
using System.Text;
using Serval.Kube.Tokens;

namespace Serval.ApiServer.Tests.Access;

/// <summary>Tokens of service accounts, from the request for one to its end.</summary>
public sealed class TokenTests : AccessServerTests
{
    private const string Accounts = "/api/v1/namespaces/one/serviceaccounts";
    private const string Maps = "/api/v1/namespaces/one/configmaps";
    private const string Reviews = "/apis/authentication.k8s.io/v1/tokenreviews";

    [Fact]
    public async Task Token_IsItsAccount_UntilItEnds()
    {
        using var robot = Server.ConnectWith(await RobotTokenAsync("""{"expirationSeconds":600}"""));
        var (_, who) = await SendAsync(robot, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
        var user = who!["status"]!["userInfo"]!;
        Assert.Equal("system:serviceaccount:one:robot", (string?)user["username"]);
        Assert.Equal("""["system:serviceaccounts","system:serviceaccounts:one","system:authenticated"]""", user["groups"]!.ToJsonString());
        Assert.StartsWith("JTI=", (string?)user["extra"]!["authentication.kubernetes.io/credential-id"]![0], StringComparison.Ordinal);
        Assert.Equal(200, (await SendAsync(robot, "GET", Maps)).Code);
        Assert.Equal(403, (await SendAsync(robot, "GET", "/api/v1/namespaces/two/configmaps")).Code);
        Server.Clock.Advance(TimeSpan.FromSeconds(599));
        Assert.Equal(200, (await SendAsync(robot, "GET", Maps)).Code);
        Server.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(401, (await SendAsync(robot, "GET", Maps)).Code);
    }

    [Theory]
    [InlineData("serviceaccounts", "robot", "{}")]
    [InlineData("secrets", "bound", """{"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"bound"}}""")]
    public async Task Token_WhoseAccountOrBoundObjectIsGone_IsNobodys_AlsoWhenANewOneHasItsName(string resource, string name, string spec)
    {
        await AdminAsync("/api/v1/namespaces/one/secrets", """{"metadata":{"name":"bound"}}""");
        using var robot = Server.ConnectWith(await RobotTokenAsync(spec));
        Assert.Equal(200, (await SendAsync(robot, "GET", Maps)).Code);
        await Server.SendAsync(HttpMethod.Delete, $"/api/v1/namespaces/one/{resource}/{name}");
        Assert.Equal(401, (await SendAsync(robot, "GET", Maps)).Code);
        await AdminAsync($"/api/v1/namespaces/one/{resource}", $$$"""{"metadata":{"name":"{{{name}}}"}}""");
        Assert.Equal(401, (await SendAsync(robot, "GET", Maps)).Code);
    }

    [Fact]
    public async Task Token_Forged_IsNobodys()
    {
        var token = await RobotTokenAsync("{}");
        var parts = token.Split('.');
        var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]));
        var other = new ServiceAccountTokens(ServiceAccountTokens.NewKey(), Server.Clock);
        foreach (var forged in new[]
        {
            $"{parts[0]}.{Part(claims.Replace("robot", "admin", StringComparison.Ordinal))}.{parts[2]}",
            $"{Part("""{"alg":"none"}""")}.{parts[1]}.",
            $"{Part("""{"alg":"HS256"}""")}.{parts[1]}.{parts[2]}",
            $"{parts[0]}.{parts[1]}.", $"{parts[0]}.{parts[1]}", parts[0] + ".", parts[0] + "..", "..", "a.b.c", token + "x", token[..^4], $"{parts[0]}.{parts[1]}.***",
            other.Issue(new TokenAccount("one", "robot", "u"), null, "", TimeSpan.FromHours(1)).Text,
        })
        {
            using var client = Server.ConnectWith(forged);
            Assert.Equal(401, (await SendAsync(client, "GET", "/version")).Code);
        }
    }

    [Theory]
    [InlineData("robot", """{"expirationSeconds":599}""", 422, "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes")]
    [InlineData("robot", """{"expirationSeconds":4294967297}""", 422, "may not specify a duration larger than 2^32 seconds")]
    [InlineData("robot", """{"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"none"}}""", 404, "pods \"none\" not found")]
    [InlineData("robot", """{"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"bound","uid":"x"}}""", 409, "the UID in the bound object reference (x) does not match")]
    [InlineData("robot", """{"boundObjectRef":{"kind":"ConfigMap","apiVersion":"v1","name":"c"}}""", 400, "cannot bind token to object of type /v1, Kind=ConfigMap")]
    [InlineData("nobody", "{}", 404, "serviceaccounts \"nobody\" not found")]
    [InlineData("robot", "[]", 400, "")]
    public async Task Request_ThatCannotBeMet_SaysWhy(string account, string spec, int code, string message)
    {
        await AdminAsync("/api/v1/namespaces/one/secrets", """{"metadata":{"name":"bound"}}""");
        await AdminAsync(Accounts, """{"metadata":{"name":"robot"}}""");
        var (status, body) = await SendAsync(Server.Client, "POST", $"{Accounts}/{account}/token", $$"""{"spec":{{spec}}}""");
        Assert.Equal(code, status);
        Assert.Contains(message, (string?)body!["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_TakesTheRight_AndDryRunGivesNone()
    {
        await AdminAsync(Accounts, """{"metadata":{"name":"robot"}}""");
        await BindAsync("one", "view", "User", "ann");
        using var ann = Server.ConnectAs("ann");
        Assert.Equal(403, (await SendAsync(ann, "POST", $"{Accounts}/robot/token", "{}")).Code);
        var (code, dry) = await SendAsync(Server.Client, "POST", $"{Accounts}/robot/token?dryRun=All", "{}");
        Assert.Equal((201, "", 3600), (code, (string?)dry!["status"]!["token"], (int?)dry["spec"]!["expirationSeconds"]));
    }

    [Theory]
    [InlineData("", "", true)]
    [InlineData("vault", "", false)]
    [InlineData("vault", "\"vault\",\"other\"", true)]
    public async Task Review_SaysWhoseATokenIsForAnAudience(string audience, string asked, bool known)
    {
        var token = await RobotTokenAsync(audience.Length > 0 ? $$"""{"audiences":["{{audience}}"]}""" : "{}");
        var (code, body) = await SendAsync(Server.Client, "POST", Reviews, $$$"""{"spec":{"token":"{{{token}}}","audiences":[{{{asked}}}]}}""");
        Assert.Equal(201, code);
        Assert.Equal(known, (bool?)body!["status"]!["authenticated"] ?? false);
        Assert.Equal(known ? "system:serviceaccount:one:robot" : null, (string?)body["status"]!["user"]!["username"]);
        Assert.Equal(known ? $"[\"{(audience.Length > 0 ? audience : ServiceAccountTokens.Issuer)}\"]" : null, body["status"]!["audiences"]?.ToJsonString());
        using var robot = Server.ConnectWith(token);
        Assert.Equal(audience.Length > 0 ? 401 : 200, (await SendAsync(robot, "GET", "/version")).Code); // another's token is no login here
    }

    [Fact]
    public async Task Review_OfAnUnknownToken_IsAnAnswer_OfNoneAnError()
    {
        var (code, body) = await SendAsync(Server.Client, "POST", Reviews, """{"spec":{"token":"guess"}}""");
        Assert.Equal((201, "invalid bearer token"), (code, (string?)body!["status"]!["error"]));
        Assert.Equal(400, (await SendAsync(Server.Client, "POST", Reviews, """{"spec":{}}""")).Code);
    }

    [Fact]
    public async Task Issuer_PublishesItsKey_ToServiceAccounts()
    {
        using var robot = Server.ConnectWith(await RobotTokenAsync("{}"));
        var (code, configuration) = await SendAsync(robot, "GET", "/.well-known/openid-configuration");
        Assert.Equal((200, ServiceAccountTokens.Issuer), (code, (string?)configuration!["issuer"]));
        var (_, keys) = await SendAsync(robot, "GET", new Uri((string)configuration["jwks_uri"]!).AbsolutePath);
        Assert.Equal("EC P-256 ES256 sig", string.Join(' ', new[] { "kty", "crv", "alg", "use" }.Select(n => (string?)keys!["keys"]![0]![n])));
        using var response = await robot.GetAsync("/openid/v1/jwks");
        Assert.True(response.Headers.CacheControl is { Private: true, Public: false }); // what is for some only is kept by none between
        using var ann = Server.ConnectAs("ann");
        Assert.Equal(403, (await SendAsync(ann, "GET", "/openid/v1/jwks")).Code);
    }

    private async Task<string> RobotTokenAsync(string spec)
    {
        await AdminAsync(Accounts, """{"metadata":{"name":"robot"}}""");
        await BindAsync("one", "view", "Group", "system:serviceaccounts:one");
        var answer = await AdminAsync($"{Accounts}/robot/token", $$"""{"spec":{{spec}}}""");
        return (string)answer["status"]!["token"]!;
    }

    private static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
