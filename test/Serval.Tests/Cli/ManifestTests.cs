using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Tests.Cli;

public sealed class ManifestTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Manifest_IsEachObjectAsADocument()
    {
        var result = await _cli.RunAsync("manifest");
        Assert.Equal((ExitCodes.Ok, ""), (result.Code, result.Error));
        var documents = result.Out.Split("---\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(ClusterManifest.Objects(workloads: false).Count(), documents.Length);
        Assert.StartsWith("apiVersion: v1\nkind: Namespace\n", documents[0], StringComparison.Ordinal);
        Assert.All(documents, d => Assert.Contains("\n    app.kubernetes.io/part-of: serval\n", d, StringComparison.Ordinal));
    }

    /// <summary>Every object is one that a strict API server takes; what a user sets in a ConfigMap stays when it is applied again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Objects_AreStrictlyValid(bool workloads)
    {
        var objects = ClusterManifest.Objects(workloads).Select(KubeObject.From).ToList();
        Assert.All(objects, o =>
        {
            var decoded = StrictDecoder.Decode(Kinds.Find(o.ApiVersion, o.Kind)!, o.Json);
            Assert.Empty(decoded.Errors);
            Assert.Empty(decoded.Warnings);
        });
        Assert.Equal(objects.Count, objects.Select(o => (o.Kind, o.Key)).Distinct().Count());
        Assert.Equal(Kinds.All.Where(k => k.IsCustom).Select(k => k.ResourceName).Order(), objects.Where(o => o.Kind == "CustomResourceDefinition").Select(o => o.Metadata.Name).Order());
        Assert.All(objects.Where(o => o.Kind == "ConfigMap"), o => Assert.Null(o.ToTree()["data"]));
        Assert.All(objects.Where(o => o.Kind.EndsWith("Binding", StringComparison.Ordinal)), o => Assert.Equal("ServiceAccount", (string?)o.ToTree()["subjects"]![0]!["kind"]));
    }

    /// <summary>Where the cluster looks after pods, the controllers have no rights on them, on other kinds, or on roles.</summary>
    [Fact]
    public void Controllers_OnAClusterOfOthers_MayNotEverything()
    {
        var role = ClusterManifest.Objects(workloads: false).Single(o => (string?)o["metadata"]!["name"] == "system:serval-controller" && (string?)o["kind"] == "ClusterRole");
        foreach (var rule in role["rules"]!.AsArray().OfType<JsonObject>())
        {
            Assert.DoesNotContain("*", rule["apiGroups"]!.AsArray().Select(g => (string?)g));
            Assert.DoesNotContain("escalate", rule["verbs"]!.AsArray().Select(v => (string?)v));
            Assert.False(rule["resources"]!.AsArray().Any(r => (string?)r == "pods") && rule["verbs"]!.AsArray().Any(v => (string?)v == "create"));
        }
    }
}
