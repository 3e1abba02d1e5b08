using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Serval.Cli;
using Serval.Tests.Remote;

namespace Serval.Tests.Kn;

public sealed class DomainVerbTests : ServedVerbTests
{
    private const string Domains = "/apis/serving.knative.dev/v1beta1/namespaces/default/domainmappings";
    private const string Shop = """
        {"apiVersion":"serving.knative.dev/v1beta1","kind":"DomainMapping","metadata":{"name":"shop.example.com","namespace":"default","creationTimestamp":"2026-01-01T00:00:00Z"},
         "spec":{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"hello","namespace":"default"} },
         "status":{"url":"http://shop.example.com","conditions":[{"type":"Ready","status":"False","reason":"DomainAlreadyClaimed","message":"taken"},{"type":"DomainClaimed","status":"False","reason":"DomainAlreadyClaimed","message":"taken"}]} }
        """;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        Server.Answers["POST " + Domains] = (context, body) => context.Response.WriteAsync(body!.ToJsonString());
        Server.Answers[$"PATCH {Domains}/shop.example.com"] = (context, _) => context.Response.WriteAsync(Shop);
        Server.Json($"GET {Domains}/shop.example.com", Shop);
        Server.Json($"GET {Domains}", $$"""{"kind":"DomainMappingList","apiVersion":"serving.knative.dev/v1beta1","items":[{{Shop}}]}""");
        Server.Json($"GET {Services}/hello", """{"metadata":{"name":"hello"}}""");
        Server.Json("GET /apis/serving.knative.dev/v1/namespaces/default/routes/way", """{"metadata":{"name":"way"}}""");
    }

    [Theory]
    [InlineData("--ref hello", "Service", "hello")]
    [InlineData("--ref ksvc:hello", "Service", "hello")]
    [InlineData("--ref ksvc:hello:default --tls pair", "Service", "hello", "pair")]
    [InlineData("--ref kroute:way", "Route", "way")]
    public async Task Create_WritesTheMapping(string flags, string kind, string name, string? secret = null)
    {
        var result = await Line.RunAsync(["domain", "create", "shop.example.com", .. flags.Split(' ')]);

        Assert.Equal((ExitCodes.Ok, "Domain mapping 'shop.example.com' created in namespace 'default'.\n", ""), (result.Code, result.Out, result.Error));
        var body = Server.Requests.Single(r => r.Line.StartsWith("POST", StringComparison.Ordinal)).Body!;
        Assert.Equal("shop.example.com", (string?)body["metadata"]!["name"]);
        Assert.Equal(
            (kind, name, "default", "serving.knative.dev/v1", secret),
            ((string?)body["spec"]!["ref"]!["kind"], (string?)body["spec"]!["ref"]!["name"], (string?)body["spec"]!["ref"]!["namespace"],
                (string?)body["spec"]!["ref"]!["apiVersion"], (string?)body["spec"]!["tls"]?["secretName"]));
    }

    [Theory]
    [InlineData("--ref broker:x", ExitCodes.Usage, "unsupported sink prefix: 'broker'")]
    [InlineData("--ref hello --tls Bad_Name", ExitCodes.Usage, "invalid secret name \"Bad_Name\": a lowercase RFC 1123 subdomain")]
    [InlineData("--ref nobody", ExitCodes.NotFound, "there is no service 'nobody' in namespace 'default'")]
    public async Task Create_Wrong_WritesNothing(string flags, int code, string says)
    {
        var result = await Line.RunAsync(["domain", "create", "shop.example.com", .. flags.Split(' ')]);

        Assert.Equal(code, result.Code);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Server.Requests, r => r.Line.StartsWith("POST", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--ref kroute:way", """{"spec":{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Route","name":"way","namespace":"default","address":null}}}""")]
    [InlineData("--tls pair", """{"spec":{"tls":{"secretName":"pair"}}}""")]
    [InlineData("--tls NOTHING", """{"spec":{"tls":null}}""")]
    public async Task Update_SendsWhatIsSaid(string flags, string patch)
    {
        var result = await Line.RunAsync(["domain", "update", "shop.example.com", .. flags.Split(' ').Select(w => w == "NOTHING" ? "" : w)]);

        Assert.Equal((ExitCodes.Ok, "Domain mapping 'shop.example.com' updated in namespace 'default'.\n"), (result.Code, result.Out));
        var sent = Server.Requests.Single(r => r.Line.StartsWith("PATCH", StringComparison.Ordinal));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(patch), sent.Body), sent.Body!.ToJsonString());
    }

    [Theory]
    [InlineData("shop.example.com", ExitCodes.Usage, "nothing is to be changed")]
    [InlineData("gone.example.com", ExitCodes.NotFound, "there is no domain 'gone.example.com' in namespace 'default'; see `serval domain list -A`")]
    public async Task Update_OfNothing_IsRefused(string domain, int code, string says)
    {
        var result = await Line.RunAsync("domain", "update", domain);

        Assert.Equal(code, result.Code);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_HasKnsColumns()
    {
        var result = await Line.RunAsync("domains", "ls");

        Assert.Matches(@"^NAME +URL +READY +KSVC *\nshop.example.com +http://shop.example.com +False +hello\n$", result.Out);
    }

    [Fact]
    public async Task Describe_TellsTargetAndConditions()
    {
        var result = await Line.RunAsync("domain", "describe", "shop.example.com");

        Assert.Matches(@"URL: +http://shop.example.com\n", result.Out);
        Assert.Matches(@"Reference:\n  APIVersion:  serving.knative.dev/v1\n  Kind:        Service\n  Name:        hello\n", result.Out);
        Assert.Matches(@"!! Ready +\S+ DomainAlreadyClaimed\n", result.Out);
        Assert.Equal("http://shop.example.com\n", (await Line.RunAsync("domain", "describe", "shop.example.com", "-o", "url")).Out);
    }

    [Fact]
    public async Task Delete_Deletes()
    {
        Server.Json($"DELETE {Domains}/shop.example.com", Shop);

        Assert.Equal("Domain mapping 'shop.example.com' deleted in namespace 'default'.\n", (await Line.RunAsync("domain", "delete", "shop.example.com")).Out);
    }
}
