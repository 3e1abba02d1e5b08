using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>Small objects and options the facts are told with.</summary>
internal static class Samples
{
    public static readonly WriteOptions Plain = new() { FieldManager = "test", FieldValidation = FieldValidation.Strict };

    public static KubeObject Parse(string json) => KubeObject.Parse(Encoding.UTF8.GetBytes(json));

    public static KubePatch Patch(PatchType type, string json) => new(type, Encoding.UTF8.GetBytes(json));

    public static ObjectKey Key(string name) => new("default", name);

    public static KubeObject Namespace(string name) =>
        Parse($$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{name}}}"}}""");

    public static KubeObject ConfigMap(string name, string value = "1", string color = "red", string ns = "default") => Parse(
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}","labels":{"color":"{{{color}}}"}},"data":{"k":"{{{value}}}"}}""");

    public static KubeObject Pod(string name, string node = "") => Parse(
        $$$"""
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}","namespace":"default"},
         "spec":{"nodeName":"{{{node}}}","terminationGracePeriodSeconds":7,"containers":[{"name":"c","image":"example.com/i"}]}}
        """);

    public static KubeObject Lease(string name) =>
        Parse($$$"""{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"{{{name}}}","namespace":"default"},"spec":{"holderIdentity":"a"}}""");

    public static KubeObject Deployment(string name) => Parse(
        $$$"""
        {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"{{{name}}}","namespace":"default"},
         "spec":{"replicas":2,"selector":{"matchLabels":{"app":"a"}},
         "template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"example.com/i"}]} } } }
        """);

    public static KubeObject Labeled(this KubeObject obj, string color, int number) => obj.With(tree =>
        tree["metadata"]!["labels"] = new JsonObject { ["color"] = color, ["n"] = $"{number}" });
}
