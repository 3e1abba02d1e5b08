using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>
/// Finalizers and the phase of Namespaces (kubernetes pkg/apis/core/validation: ValidateNamespace, ValidateNamespaceFinalizeUpdate, ValidateNamespaceStatusUpdate). What was stored
/// with the namespace is not judged again: it could not end.
/// </summary>
public static class NamespaceRules
{
    private const string Kubernetes = "kubernetes";

    /// <summary>A new namespace is held until what is in it has gone (registry/core/namespace: strategy.go).</summary>
    public static void Hold(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        if (!spec.Strings("finalizers").Contains(Kubernetes))
        {
            spec.Default("finalizers", new JsonArray());
            spec.Array("finalizers")?.Add(Kubernetes);
        }
    }

    /// <param name="tree">The namespace.</param>
    /// <param name="old">The stored one on an update.</param>
    /// <param name="subresource">Empty, <c>status</c> or <c>finalize</c>.</param>
    /// <param name="to">Gets what is wrong.</param>
    internal static void Check(JsonObject tree, JsonObject? old, string subresource, Problems to)
    {
        if (subresource == "status")
        {
            Phase(tree, old, to);
        }
        else if (tree.Object("spec").Array("finalizers") is { Count: > 0 } finalizers)
        {
            Finalizers(finalizers, old.Object("spec").Array("finalizers"), each: subresource == "finalize", to);
        }
    }

    // A mere update leaves finalizers as they are; of a create the whole list is at fault, through its door the one.
    private static void Finalizers(JsonArray finalizers, JsonArray? before, bool each, Problems to)
    {
        var known = (before ?? []).Select(Tree.Text).ToHashSet(StringComparer.Ordinal);
        foreach (var (i, node) in finalizers.Index())
        {
            var name = Tree.Text(node);
            if (known.Contains(name))
            {
                continue;
            }
            var path = each ? $"spec.finalizers[{i}]" : "spec.finalizers";
            to.Check(path, name, Names.QualifiedNameProblems);
            if (!name.Contains('/', StringComparison.Ordinal) && !MetadataRules.IsStandardFinalizer(name))
            {
                to.InvalidText(path, name, "name is neither a standard finalizer name nor is it fully qualified");
            }
        }
    }

    private static void Phase(JsonObject tree, JsonObject? old, Problems to)
    {
        var (phase, ends) = (tree.Object("status").String("phase"), tree.Object("metadata").Has("deletionTimestamp"));
        var lawful = ends ? "Terminating" : "Active";
        if (phase != lawful && !(old is not null && old.Object("status").String("phase") == phase))
        {
            to.InvalidText("status.Phase", phase, $"may only be '{lawful}' if `deletionTimestamp` is {(ends ? "not " : "")}empty");
        }
    }
}
