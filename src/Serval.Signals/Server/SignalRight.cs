using System.Text.Json.Nodes;

namespace Serval.Signals;

/// <summary>What a caller must be allowed to do with a path, or a subresource of an object.</summary>
/// <param name="Path">A path that is no resource; empty when it is about one.</param>
/// <param name="Resource">The resource.</param>
/// <param name="Subresource">Its part.</param>
/// <param name="Name">The object.</param>
/// <param name="Verb">What is done with it.</param>
public sealed record SignalRight(string Path, string Resource = "", string Subresource = "", string Name = "", string Verb = "get")
{
    /// <summary>To get a path.</summary>
    public static SignalRight ToGet(string path) => new(path);

    /// <summary>To do on a node what its API server may: <c>nodes/proxy</c>, as a kubelet asks for.</summary>
    public static SignalRight ToNode(string name) => new("", "nodes", "proxy", name);

    /// <summary>As a SubjectAccessReview names it.</summary>
    internal (string Field, JsonObject Value) Attributes => Path.Length > 0
        ? ("nonResourceAttributes", new() { ["path"] = Path, ["verb"] = Verb })
        : ("resourceAttributes", new() { ["verb"] = Verb, ["version"] = "v1", ["resource"] = Resource, ["subresource"] = Subresource, ["name"] = Name });

    /// <summary>As the API server words what somebody may not do.</summary>
    internal string Refusal(string user) => Path.Length > 0
        ? $"forbidden: User \"{user}\" cannot {Verb} path \"{Path}\""
        : $"{Resource} \"{Name}\" is forbidden: User \"{user}\" cannot {Verb} resource \"{Resource}/{Subresource}\" in API group \"\" at the cluster scope";
}
