using System.Text;
using Serval.Api.Core;

namespace Serval.Node.Containers;

/// <summary>The downward API: fields of the pod that env entries and volumes may ask for.</summary>
internal sealed class PodFields(Pod pod, string nodeName, string hostAddress, string address)
{
    /// <summary>The field's value, or null when the path is not supported. A missing label or annotation is empty.</summary>
    public string? Value(string path) => path switch
    {
        "metadata.name" => pod.Metadata.Name,
        "metadata.namespace" => pod.Metadata.Namespace,
        "metadata.uid" => pod.Metadata.Uid,
        "metadata.labels" => Lines(pod.Metadata.Labels),
        "metadata.annotations" => Lines(pod.Metadata.Annotations),
        "spec.nodeName" => nodeName,
        "spec.serviceAccountName" => pod.Spec.ServiceAccountName.Length == 0 ? "default" : pod.Spec.ServiceAccountName,
        "status.hostIP" or "status.hostIPs" => hostAddress,
        "status.podIP" or "status.podIPs" => address,
        _ => Keyed(path, "metadata.labels", pod.Metadata.Labels) ?? Keyed(path, "metadata.annotations", pod.Metadata.Annotations),
    };

    private static string? Keyed(string path, string prefix, IReadOnlyDictionary<string, string> map)
    {
        if (!path.StartsWith(prefix + "['", StringComparison.Ordinal) || !path.EndsWith("']", StringComparison.Ordinal))
        {
            return null;
        }
        return map.TryGetValue(path[(prefix.Length + 2)..^2], out var value) ? value : "";
    }

    private static string Lines(IReadOnlyDictionary<string, string> map) =>
        string.Join('\n', map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={Quote(p.Value)}"));

    private static string Quote(string value)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in value)
        {
            quoted.Append(c switch { '"' => "\\\"", '\\' => @"\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", _ => c.ToString() });
        }
        return quoted.Append('"').ToString();
    }
}
