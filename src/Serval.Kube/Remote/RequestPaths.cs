using System.Text;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>Where kinds, objects and subresources are (Kubernetes: API conventions).</summary>
internal static class RequestPaths
{
    public static string Collection(ResourceKind kind, string? ns)
    {
        var root = kind.Group.Length == 0 ? $"/api/{kind.Version}" : $"/apis/{kind.Group}/{kind.Version}";
        return kind.Namespaced && ns is { Length: > 0 } ? $"{root}/namespaces/{Uri.EscapeDataString(ns)}/{kind.Plural}" : $"{root}/{kind.Plural}";
    }

    public static string Object(ResourceKind kind, ObjectKey key, string subresource = "") =>
        $"{Collection(kind, key.Namespace)}/{Uri.EscapeDataString(key.Name)}{(subresource.Length > 0 ? "/" + subresource : "")}";

    /// <summary>The path with the options that are not empty.</summary>
    public static string With(string path, params ReadOnlySpan<(string Name, string Value)> options)
    {
        var text = new StringBuilder(path);
        var mark = '?';
        foreach (var (name, value) in options)
        {
            if (value.Length > 0)
            {
                text.Append(mark).Append(name).Append('=').Append(Uri.EscapeDataString(value));
                mark = '&';
            }
        }
        return text.ToString();
    }

    public static string With(string path, WriteOptions options) => With(path,
        ("fieldManager", options.FieldManager), ("fieldValidation", options.FieldValidation.ToString()), ("dryRun", options.DryRun ? "All" : ""),
        ("force", options.Force ? "true" : ""));

    public static string With(string path, ListOptions options) => With(path,
        ("labelSelector", options.LabelSelector), ("fieldSelector", options.FieldSelector),
        ("limit", options.Limit > 0 ? $"{options.Limit}" : ""), ("continue", options.Continue));
}
