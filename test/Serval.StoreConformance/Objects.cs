using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>Small objects and the ways to write them.</summary>
internal static class Objects
{
    public static readonly WriteOptions Write = new() { FieldManager = "facts", FieldValidation = FieldValidation.Strict };
    public static readonly WriteOptions Status = Write with { Subresource = "status" };
    public static readonly WriteOptions Scale = Write with { Subresource = "scale" };

    public static KubeObject Parse(string json) => KubeObject.Parse(Encoding.UTF8.GetBytes(json));

    public static KubeObject Namespace(string name) => Parse($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{name}}}"}}""");

    public static KubeObject ConfigMap(string name, string value = "v", string ns = "facts", string labels = "{}") => Parse(
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}","labels":{{{labels}}}},"data":{"key":"{{{value}}}"}}""");

    /// <summary>An object of a kind of which a new namespace has none: every Kubernetes puts a ConfigMap there.</summary>
    public static KubeObject Secret(string name, string value = "v", string ns = "facts", string labels = "{}") => Parse(
        $$$"""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}","labels":{{{labels}}}},"data":{"key":"{{{Base64(value)}}}"}}""");

    public static KubePatch Data(string value) => Merge($$$"""{"data":{"key":"{{{Base64(value)}}}"}}""");

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public static KubeObject Service(string name) => Parse(
        $$$"""{"apiVersion":"v1","kind":"Service","metadata":{"name":"{{{name}}}","namespace":"facts"},"spec":{"clusterIP":"None","selector":{"app":"none"},"ports":[{"port":80}]}}""");

    public static KubeObject Event(string name, string ns = "facts") => Parse(
        $$"""{"apiVersion":"v1","kind":"Event","metadata":{"name":"{{name}}","namespace":"{{ns}}"},"involvedObject":{"kind":"Pod","namespace":"{{ns}}","name":"p"} }""");

    public static KubeObject Lease(string name, string holder = "a", string ns = "facts") => Parse(
        $$"""{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"{{name}}","namespace":"{{ns}}"},"spec":{"holderIdentity":"{{holder}}"} }""");

    public static KubeObject Deployment(string name, int replicas = 1) => Parse(
        $$$"""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"{{{name}}}","namespace":"facts"},
         "spec":{"replicas":{{{replicas}}},"selector":{"matchLabels":{"app":"{{{name}}}"}},
          "template":{"metadata":{"labels":{"app":"{{{name}}}"}},"spec":{"containers":[{"name":"main","image":"example.com/app:1"}]} } } }
        """);

    public static KubeObject Pod(string name, string node = "", string extra = "") => Parse(
        $$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}","namespace":"facts"{{{extra}}}},
         "spec":{"nodeName":"{{{node}}}","terminationGracePeriodSeconds":7,"containers":[{"name":"main","image":"example.com/app:1"}]}}
        """);

    public static KubePatch Merge(string json) => new(PatchType.Merge, Encoding.UTF8.GetBytes(json));

    public static KubePatch Json(string json) => new(PatchType.Json, Encoding.UTF8.GetBytes(json));

    public static KubePatch Strategic(string json) => new(PatchType.StrategicMerge, Encoding.UTF8.GetBytes(json));

    public static string? Text(this KubeObject obj, params string[] path) => obj.Node(path)?.ToString();

    public static JsonNode? Node(this KubeObject obj, params string[] path)
    {
        JsonNode? node = obj.ToTree();
        foreach (var step in path)
        {
            node = node?[step];
        }
        return node;
    }

    public static async Task<ApiException> Refused(int code, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<ApiException>(call);
        Assert.Equal(code, refused.Code);
        return refused;
    }
}
