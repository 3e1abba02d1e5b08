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
        var references = References(document.RootElement).ToList();
        var described = document.RootElement.GetProperty("components").TryGetProperty("schemas", out var schemas);
        Assert.Equal(described, references.Count > 0); // who issues tokens is told as a text
        foreach (var reference in references)
        {
            Assert.StartsWith("#/components/schemas/", reference, StringComparison.Ordinal);
            Assert.True(schemas.TryGetProperty(reference["#/components/schemas/".Length..], out _), $"dangling {reference}");
        }
    }

    /// <summary>Generated clients make a method of each.</summary>
    [Fact]
    public void Documents_OperationIds_AreUnique()
    {
        var ids = new List<string?>();
        foreach (var path in OpenApiV3.Paths(Kinds.All))
        {
            using var document = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, path));
            ids.AddRange(Operations(document.RootElement).Select(o => o.Operation.GetProperty("operationId").GetString()));
        }
        Assert.Equal([], ids.GroupBy(i => i).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    /// <summary>Kubernetes: api/openapi-spec/v3.</summary>
    [Theory]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/pods", "delete", "deleteCoreV1CollectionNamespacedPod", "deletecollection", "Pod", "Status")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/pods/{name}", "delete", "deleteCoreV1NamespacedPod", "delete", "Pod", "Pod")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/pods/{name}/exec", "get", "connectCoreV1GetNamespacedPodExec", "connect", "PodExecOptions", "")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "readCoreV1NamespacedPodLog", "get", "Pod", "")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/pods/{name}/eviction", "post", "createCoreV1NamespacedPodEviction", "post", "Eviction", "Eviction")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", "post", "createCoreV1NamespacedServiceAccountToken", "post", "TokenRequest", "TokenRequest")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/bindings", "post", "createCoreV1NamespacedBinding", "post", "Binding", "Binding")]
    [InlineData("api/v1", "/api/v1/namespaces/{namespace}/pods/{name}/binding", "post", "createCoreV1NamespacedPodBinding", "post", "Binding", "Binding")]
    [InlineData("api/v1", "/api/v1/nodes/{name}/proxy/{path}", "options", "connectCoreV1OptionsNodeProxyWithPath", "connect", "NodeProxyOptions", "")]
    [InlineData("api/v1", "/api/v1/namespaces/{name}/finalize", "put", "replaceCoreV1NamespaceFinalize", "put", "Namespace", "Namespace")]
    [InlineData("api/v1", "/api/v1/watch/pods", "get", "watchCoreV1PodListForAllNamespaces", "watchlist", "Pod", "WatchEvent")]
    [InlineData("api/v1", "/api/v1/watch/namespaces/{namespace}/pods/{name}", "get", "watchCoreV1NamespacedPod", "watch", "Pod", "WatchEvent")]
    [InlineData("apis/apps/v1", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "patch", "patchAppsV1NamespacedDeploymentScale", "patch", "Scale", "Scale")]
    [InlineData("apis/apps/v1", "/apis/apps/v1/", "get", "getAppsV1APIResources", null, null, "APIResourceList")]
    [InlineData("apis/rbac.authorization.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "post", "createRbacAuthorizationV1ClusterRole", "post", "ClusterRole", "ClusterRole")]
    [InlineData("apis/authentication.k8s.io/v1", "/apis/authentication.k8s.io/v1/tokenreviews", "post", "createAuthenticationV1TokenReview", "post", "TokenReview", "TokenReview")]
    [InlineData("apis/authorization.k8s.io/v1", "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews", "post", "createAuthorizationV1NamespacedLocalSubjectAccessReview", "post", "LocalSubjectAccessReview", "LocalSubjectAccessReview")]
    [InlineData("apis/storage.k8s.io/v1", "/apis/storage.k8s.io/v1/storageclasses/{name}", "delete", "deleteStorageV1StorageClass", "delete", "StorageClass", "StorageClass")]
    [InlineData("apis/serving.knative.dev/v1", "/apis/serving.knative.dev/v1/services", "get", "listServingKnativeDevV1ServiceForAllNamespaces", "list", "Service", "ServiceList")]
    [InlineData("apis/apps", "/apis/apps/", "get", "getAppsAPIGroup", null, null, "APIGroup")]
    [InlineData("version", "/version/", "get", "getCodeVersion", null, null, "Info")]
    public void Operation_IsAsUpstream(string document, string path, string method, string id, string? action, string? kind, string answer)
    {
        using var json = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, document));
        var operation = json.RootElement.GetProperty("paths").GetProperty(path).GetProperty(method);
        Assert.Equal(id, operation.GetProperty("operationId").GetString());
        Assert.Equal(action, operation.TryGetProperty("x-kubernetes-action", out var does) ? does.GetString() : null);
        Assert.Equal(kind, operation.TryGetProperty("x-kubernetes-group-version-kind", out var about) ? about.GetProperty("kind").GetString() : null);
        var schema = operation.GetProperty("responses").GetProperty("200").GetProperty("content").EnumerateObject().First().Value.GetProperty("schema");
        Assert.Equal(answer, schema.TryGetProperty("$ref", out var reference) ? reference.GetString()!.Split('.')[^1] : "");
    }

    /// <summary>What the API states, and the zero values of what is never absent (Kubernetes: pkg/generated/openapi).</summary>
    [Theory]
    [InlineData("api/v1", "core.v1.ContainerPort", "protocol", "\"TCP\"", "SCTP,TCP,UDP")]
    [InlineData("api/v1", "core.v1.ContainerPort", "containerPort", "0", null)]
    [InlineData("api/v1", "core.v1.Container", "name", "\"\"", null)]
    [InlineData("api/v1", "core.v1.Container", "resources", "{}", null)]
    [InlineData("api/v1", "core.v1.Container", "livenessProbe", null, null)]
    [InlineData("api/v1", "core.v1.Container", "imagePullPolicy", null, "Always,IfNotPresent,Never")]
    [InlineData("api/v1", "core.v1.Pod", "metadata", "{}", null)]
    [InlineData("api/v1", "core.v1.Pod", "spec", "{}", null)]
    [InlineData("api/v1", "core.v1.ContainerStatus", "ready", "false", null)]
    [InlineData("api/v1", "core.v1.HostPathVolumeSource", "type", null, ",BlockDevice,CharDevice,Directory,DirectoryOrCreate,File,FileOrCreate,Socket")]
    [InlineData("api/v1", "core.v1.ReplicationControllerSpec", "replicas", "1", null)]
    [InlineData("api/v1", "core.v1.PodList", "metadata", "{}", null)]
    [InlineData("apis/apps/v1", "apps.v1.DeploymentSpec", "selector", null, null)]
    [InlineData("apis/apps/v1", "apps.v1.DeploymentStrategy", "type", null, "Recreate,RollingUpdate")]
    [InlineData("apis/networking.k8s.io/v1", "networking.v1.HTTPIngressPath", "pathType", null, "Exact,ImplementationSpecific,Prefix")]
    public void Field_DefaultAndEnum_AreAsUpstream(string document, string type, string field, string? value, string? values)
    {
        using var json = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, document));
        var schema = json.RootElement.GetProperty("components").GetProperty("schemas").GetProperty("io.k8s.api." + type).GetProperty("properties").GetProperty(field);
        Assert.Equal(value, schema.TryGetProperty("default", out var given) ? given.GetRawText() : null);
        Assert.Equal(values, schema.TryGetProperty("enum", out var listed) ? string.Join(',', listed.EnumerateArray().Select(v => v.GetString())) : null);
    }

    /// <summary>Of every version of every group, beside v1 (Kubernetes: api/openapi-spec/v3).</summary>
    [Fact]
    public void SharedTypes_AreOfTheDocumentsVersion()
    {
        using var json = JsonDocument.Parse(OpenApiV3.Document(Kinds.All, "apis/apps/v1"));
        var schemas = json.RootElement.GetProperty("components").GetProperty("schemas");
        foreach (var name in (string[])["DeleteOptions", "WatchEvent"])
        {
            var kinds = schemas.GetProperty("io.k8s.apimachinery.pkg.apis.meta.v1." + name).GetProperty("x-kubernetes-group-version-kind").EnumerateArray();
            Assert.Equal(["/v1", "apps/v1"], kinds.Select(k => $"{k.GetProperty("group")}/{k.GetProperty("version")}"));
        }
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
