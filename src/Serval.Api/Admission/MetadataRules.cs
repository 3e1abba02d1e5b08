using System.Text;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Kubernetes' rules of metadata, alike for every kind. What an object was stored with is not judged again: it could neither change nor end.</summary>
internal static class MetadataRules
{
    private const int MostAnnotationBytes = 256 * 1024;

    public static void Check(ResourceKind kind, JsonObject tree, JsonObject? old, Problems to)
    {
        var (metadata, before) = (tree.Object("metadata"), old.Object("metadata"));
        var name = metadata.String("name");
        var generate = metadata.String("generateName");
        if (generate.Length > 0 && generate != before.String("generateName"))
        {
            // A prefix may end with "-": the generated end makes it a name.
            to.Check("metadata.generateName", generate, prefix => RuleOf(kind)(prefix.EndsWith('-') ? prefix[..^1] + "a" : prefix));
        }
        if (name.Length > 0 && name != before.String("name"))
        {
            to.Check("metadata.name", name, RuleOf(kind));
        }
        else if (name.Length == 0 && generate.Length == 0)
        {
            to.Required("metadata.name", "name or generateName is required");
        }
        if (before is null && kind.Namespaced && metadata.String("namespace") is { Length: > 0 } space)
        {
            to.Check("metadata.namespace", space, Names.Label);
        }
        if (before is null || !JsonNode.DeepEquals(before["labels"], metadata?["labels"]))
        {
            Labels(metadata, "metadata.labels", to);
        }
        if (before is null || !JsonNode.DeepEquals(before["annotations"], metadata?["annotations"]))
        {
            Annotations(metadata, "metadata.annotations", to);
        }
        Owners(metadata, before, to);
        Finalizers(kind, metadata, before, to);
    }

    public static void Labels(JsonObject? metadata, string path, Problems to)
    {
        foreach (var (key, value) in metadata.Texts("labels"))
        {
            to.Check(path, key, Names.QualifiedNameProblems);
            to.Check(path, value, Names.LabelValue);
        }
    }

    public static void Annotations(JsonObject? metadata, string path, Problems to)
    {
        long size = 0;
        foreach (var (key, value) in metadata.Texts("annotations"))
        {
            to.Check(path, key, text => Names.QualifiedNameProblems(text.ToLowerInvariant()));
            size += Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value);
        }
        if (size > MostAnnotationBytes)
        {
            to.TooLong(path, MostAnnotationBytes);
        }
    }

    // Names that become DNS names of their own are stricter.
    private static Func<string, string?> RuleOf(ResourceKind kind) =>
        kind == Kinds.Namespace ? Names.Label : kind == Kinds.Service ? Names.Label : RbacRules.Concerns(kind) || kind == StoredKinds.ApiService ? RbacRules.Name : Names.Subdomain;

    /// <summary>A finalizer that needs no domain.</summary>
    internal static bool IsStandardFinalizer(string name) => name is "kubernetes" or "orphan" or "foregroundDeletion";

    // ValidateFinalizers; of built-in kinds also ValidateFinalizerName (pkg/apis/core/validation), as in ValidateObjectMeta there.
    private static void Finalizers(ResourceKind kind, JsonObject? metadata, JsonObject? before, Problems to)
    {
        if (metadata.Array("finalizers") is not { Count: > 0 })
        {
            return;
        }
        var finalizers = metadata.Strings("finalizers").ToList();
        var known = before.Strings("finalizers").ToHashSet(StringComparer.Ordinal);
        if (finalizers.TrueForAll(known.Contains))
        {
            return;
        }
        foreach (var finalizer in finalizers.Where(f => !known.Contains(f)))
        {
            to.Check("metadata.finalizers", finalizer, Names.QualifiedNameProblems);
        }
        if (finalizers.Contains("orphan") && finalizers.Contains("foregroundDeletion"))
        {
            to.Invalid("metadata.finalizers", metadata.Array("finalizers")!.ToJsonString(), "finalizer orphan and foregroundDeletion cannot be both set");
        }
        for (var i = 0; i < finalizers.Count && !kind.IsCustom && kind != Kinds.CustomResourceDefinition; i++)
        {
            if (!known.Contains(finalizers[i]) && !finalizers[i].Contains('/', StringComparison.Ordinal) && !IsStandardFinalizer(finalizers[i]))
            {
                to.InvalidText($"metadata.finalizers[{i}]", finalizers[i], "name is neither a standard finalizer name nor is it fully qualified");
            }
        }
    }

    /// <summary>Tells of new finalizers of a custom object whose names may be those of others (registry/customresource: validator.go).</summary>
    public static void WarnOfFinalizers(JsonObject tree, JsonObject? old, Action<string> warn)
    {
        var added = tree.Object("metadata").Strings("finalizers").Except(old.Object("metadata").Strings("finalizers"))
            .Where(f => !f.Contains('/', StringComparison.Ordinal) && f is not ("kubernetes" or "orphan" or "foregroundDeletion")).Order(StringComparer.Ordinal);
        foreach (var name in added)
        {
            var form = name.Contains('.', StringComparison.Ordinal) ? " including a path (/)" : "";
            warn($"metadata.finalizers: \"{name}\": prefer a domain-qualified finalizer name{form} to avoid accidental conflicts with other finalizer writers");
        }
    }

    private static void Owners(JsonObject? metadata, JsonObject? before, Problems to)
    {
        if (metadata?["ownerReferences"] is not { } owners || JsonNode.DeepEquals(before?["ownerReferences"], owners))
        {
            return;
        }
        var known = before.Objects("ownerReferences").Select(o => o.Item).ToList();
        if (metadata.Objects("ownerReferences").All(o => IsKnown(o.Item)))
        {
            return;
        }
        var controller = "";
        foreach (var (_, owner) in metadata.Objects("ownerReferences"))
        {
            const string path = "metadata.ownerReferences"; // upstream says no index
            if (!IsKnown(owner))
            {
                Owner(owner, path, to);
            }
            if (owner.Bool("controller") != true)
            {
                continue;
            }
            var name = $"{owner.String("kind")}/{owner.String("name")}";
            if (controller.Length > 0)
            {
                to.Invalid(path, $"[{string.Join(',', metadata.Objects("ownerReferences").Select(o => Shown(o.Item)))}]",
                    $"Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {name}");
                return;
            }
            controller = name;
        }

        bool IsKnown(JsonObject owner) => known.Exists(k => JsonNode.DeepEquals(k, owner));
    }

    private static void Owner(JsonObject owner, string path, Problems to)
    {
        var apiVersion = owner.String("apiVersion");
        if (apiVersion[(apiVersion.LastIndexOf('/') + 1)..].Length == 0 || apiVersion.Count(c => c == '/') > 1)
        {
            to.InvalidText(path + ".apiVersion", apiVersion, "version must not be empty"); // neither has one
        }
        foreach (var field in (ReadOnlySpan<string>)["kind", "name", "uid"])
        {
            if (owner.String(field).Length == 0)
            {
                to.InvalidText($"{path}.{field}", "", "must not be empty");
            }
        }
        if ((apiVersion is "v1" or "/v1") && owner.String("kind") == "Event")
        {
            to.Invalid(path, Shown(owner), "/v1, Kind=Event is disallowed from being an owner");
        }
    }

    /// <summary>An owner as upstream's errors show it: its fields in the order of their type (meta/v1 OwnerReference).</summary>
    private static string Shown(JsonObject owner)
    {
        var shown = new JsonObject();
        foreach (var field in (ReadOnlySpan<string>)["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"])
        {
            if (owner[field] is { } value)
            {
                shown[field] = value.DeepClone();
            }
        }
        return shown.ToJsonString();
    }
}
