using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.ApiServer.Tests.Http;

/// <summary>A scheduler of somebody's own gives pods their nodes.</summary>
public sealed class BindingTests : AccessServerTests
{
    private const string One = "/api/v1/namespaces/one";

    [Theory]
    [InlineData("pods/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n"}}""")]
    [InlineData("bindings", """{"metadata":{"name":"p","labels":{"zone":"z"},"annotations":{"by":"me"}},"target":{"name":"n"}}""")]
    public async Task Pod_HasItsNode(string path, string binding)
    {
        await PodAsync();
        var (code, body) = await SendAsync(Server.Client, "POST", $"{One}/{path}", binding);
        Assert.Equal("""201 {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}""", $"{code} {body!.ToJsonString()}");

        var pod = await Server.GetAsync($"{One}/pods/p");
        Assert.Equal(("n", "PodScheduled", "True"),
            ((string?)pod["spec"]!["nodeName"], (string?)pod["status"]!["conditions"]![0]!["type"], (string?)pod["status"]!["conditions"]![0]!["status"]));
        Assert.Equal(1, (int?)pod["metadata"]!["generation"]); // its owner wishes what it wished
        if (binding.Contains("zone", StringComparison.Ordinal))
        {
            Assert.Equal(("z", "me"), ((string?)pod["metadata"]!["labels"]!["zone"], (string?)pod["metadata"]!["annotations"]!["by"]));
        }
        Assert.Equal("Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n\"", await RefusedAsync($"{One}/{path}", binding, 409));
    }

    [Fact]
    public async Task DryRun_LeavesThePodWithout()
    {
        await PodAsync();
        Assert.Equal(201, (await SendAsync(Server.Client, "POST", $"{One}/pods/p/binding?dryRun=All", """{"metadata":{"name":"p"},"target":{"name":"n"}}""")).Code);
        Assert.Null((await Server.GetAsync($"{One}/pods/p"))["spec"]!["nodeName"]);
    }

    [Theory]
    [InlineData("pods/p/binding", "{}", 400, "name in URL does not match name in Binding object")]
    [InlineData("bindings", "{}", 400, "Name parameter required.")]
    [InlineData("pods/p/binding", """{"metadata":{"name":"p"}}""", 422, "Binding \"p\" is invalid: target.name: Required value")]
    [InlineData("pods/p/binding", """{"metadata":{"name":"p"},"target":{"kind":"Rack","name":"n"}}""", 422,
        "Binding \"p\" is invalid: target.kind: Unsupported value: \"Rack\": supported values: \"Node\", \"<empty>\"")]
    [InlineData("pods/p/binding", """{"metadata":{"name":"q"},"target":{"name":"n"}}""", 400, "name in URL does not match name in Binding object")]
    [InlineData("pods/q/binding", """{"metadata":{"name":"q"},"target":{"name":"n"}}""", 404, "pods \"q\" not found")]
    [InlineData("pods/p/binding", """{"metadata":{"name":"p","uid":"x"},"target":{"name":"n"}}""", 409, "*UID in precondition: x*")]
    [InlineData("pods/gated/binding", """{"metadata":{"name":"gated"},"target":{"name":"n"}}""", 409, "*pod gated has non-empty .spec.schedulingGates")]
    public async Task WhatDoesNotFit_IsRefused(string path, string binding, int code, string message)
    {
        await PodAsync();
        await AdminAsync($"{One}/pods", """{"metadata":{"name":"gated"},"spec":{"schedulingGates":[{"name":"a.b/c"}],"containers":[{"name":"a","image":"a"}]}}""");
        var told = await RefusedAsync($"{One}/{path}", binding, code);
        Assert.Contains(message.Trim('*'), told, StringComparison.Ordinal);
        Assert.True(message.Contains('*', StringComparison.Ordinal) || told == message, told);
    }

    [Fact]
    public async Task Pod_ThatChangesAllTheWhile_IsAConflictInTheEnd()
    {
        await using var server = await ApiServerFixture.StartAsync();
        await server.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"a"}]}}""");
        server.Objects.UpdateFailure = ApiException.Conflict(Kinds.Pod, "p", "the object has been modified");
        var (code, status) = await SendAsync(server.Client, "POST", "/api/v1/namespaces/default/pods/p/binding", """{"metadata":{"name":"p"},"target":{"name":"n"}}""");
        Assert.Equal((409, "Operation cannot be fulfilled on pods \"p\": the object has been modified"), (code, (string?)status!["message"]));
    }

    private Task<JsonObject> PodAsync() => AdminAsync($"{One}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"a"}]}}""");

    private async Task<string> RefusedAsync(string path, string body, int code)
    {
        var (got, status) = await SendAsync(Server.Client, "POST", path, body);
        Assert.True(code == got, status!.ToJsonString());
        return (string?)status["message"] ?? "";
    }
}
