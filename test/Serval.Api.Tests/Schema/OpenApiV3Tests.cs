using System.Text.Json;
using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

public sealed class OpenApiV3Tests
{
    public static TheoryData<string> Paths => [.. OpenApiV3.Paths(Kinds.All)];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Document_EveryReference_Resolves(string path)
    {
        using var document = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, path));
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas");
        var references = References(document.RootElement).ToList();
        Assert.NotEmpty(references);
        foreach (var reference in references)
        {
            Assert.StartsWith("#/components/schemas/", reference, StringComparison.Ordinal);
            Assert.True(schemas.TryGetProperty(reference["#/components/schemas/".Length..], out _), $"dangling {reference}");
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Document_OperationIds_AreUnique(string path)
    {
        using var document = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, path));
        var ids = Operations(document.RootElement).Select(o => o.Operation.GetProperty("operationId").GetString()).ToList();
        Assert.Equal(ids.Count, ids.Distinct().Count());
    }

    [Fact]
    public void Document_EveryKind_CanBePatchedAsKubectlExpects()
    {
        Assert.All(Kinds.All, kind =>
        {
            using var document = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, kind.Group.Length == 0 ? "api/v1" : $"apis/{kind.ApiVersion}"));
            var patches = Operations(document.RootElement).Where(o => o.Verb == "patch" && Is(o.Operation.GetProperty("x-kubernetes-group-version-kind"), kind)).ToList();
            Assert.NotEmpty(patches);
            foreach (var (_, operation) in patches)
            {
                var parameters = operation.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()).ToList();
                Assert.Contains("fieldValidation", parameters);
                Assert.Contains("dryRun", parameters);
                Assert.Contains("fieldManager", parameters);
                var media = operation.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(m => m.Name).ToList();
                Assert.Equal(!kind.IsCustom, media.Contains("application/strategic-merge-patch+json"));
                Assert.Contains("application/merge-patch+json", media);
            }
            var schemas = document.RootElement.GetProperty("components").GetProperty("schemas").EnumerateObject();
            Assert.Single(schemas, s => s.Value.TryGetProperty("x-kubernetes-group-version-kind", out var gvks) && gvks.EnumerateArray().Any(g => Is(g, kind)));
        });
    }

    [Fact]
    public void Document_WellKnownNamesAndExtensions_AreAsUpstream()
    {
        using var core = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, "api/v1"));
        var schemas = core.RootElement.GetProperty("components").GetProperty("schemas");
        var spec = schemas.GetProperty("io.k8s.api.core.v1.PodSpec").GetProperty("properties");
        Assert.Equal("name", spec.GetProperty("containers").GetProperty("x-kubernetes-patch-merge-key").GetString());
        Assert.Equal("merge", spec.GetProperty("containers").GetProperty("x-kubernetes-patch-strategy").GetString());
        Assert.Equal("merge,retainKeys", spec.GetProperty("volumes").GetProperty("x-kubernetes-patch-strategy").GetString());
        Assert.Equal("map", spec.GetProperty("containers").GetProperty("x-kubernetes-list-type").GetString());
        Assert.Equal("atomic", spec.GetProperty("tolerations").GetProperty("x-kubernetes-list-type").GetString());
        Assert.True(schemas.TryGetProperty("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", out _));
        Assert.True(schemas.TryGetProperty("io.k8s.apimachinery.pkg.util.intstr.IntOrString", out _));
        Assert.True(schemas.TryGetProperty("io.k8s.api.core.v1.PodList", out _));

        using var serving = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, "apis/serving.knative.dev/v1"));
        Assert.True(serving.RootElement.GetProperty("components").GetProperty("schemas").TryGetProperty("dev.knative.serving.v1.Service", out _));
        Assert.True(serving.RootElement.GetProperty("paths").TryGetProperty("/apis/serving.knative.dev/v1/namespaces/{namespace}/services/{name}/status", out _));
    }

    [Fact]
    public void Index_EveryDocument_IsListedWithItsHash()
    {
        using var index = JsonDocument.Parse(OpenApiV3.Index(Kinds.All));
        var listed = index.RootElement.GetProperty("paths").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetProperty("serverRelativeURL").GetString());
        Assert.Equal(OpenApiV3.Paths(Kinds.All).Order(StringComparer.Ordinal), listed.Keys.Order(StringComparer.Ordinal));
        Assert.All(listed, p => Assert.Equal($"/openapi/v3/{p.Key}?hash={OpenApiV3.Hash(Kinds.All, p.Key)}", p.Value));
        Assert.Contains("api/v1", listed.Keys);
        Assert.Contains("apis/serving.knative.dev/v1", listed.Keys);
        Assert.Null(OpenApiV3.Document(Kinds.All, "apis/none/v1"));
    }

    private static bool Is(JsonElement gvk, ResourceKind kind) =>
        gvk.GetProperty("group").GetString() == kind.Group && gvk.GetProperty("version").GetString() == kind.Version && gvk.GetProperty("kind").GetString() == kind.Kind;

    private static IEnumerable<(string Verb, JsonElement Operation)> Operations(JsonElement document) =>
        document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject()).Where(o => o.Name != "parameters").Select(o => (o.Name, o.Value));

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(p =>
            p.Name == "$ref" && p.Value.ValueKind == JsonValueKind.String ? [p.Value.GetString()!] : References(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
