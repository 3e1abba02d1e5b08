using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Schema;

namespace Serval.Kube;

/// <summary>Writes of the objects a controller makes: only what differs, only the fields it says.</summary>
public static class OwnedObjects
{
    /// <summary>A controlling owner reference, as <c>metadata.ownerReferences</c> holds it.</summary>
    public static JsonArray OwnedBy(KubeObject owner) =>
    [
        new JsonObject
        {
            ["apiVersion"] = owner.ApiVersion,
            ["kind"] = owner.Kind,
            ["name"] = owner.Metadata.Name,
            ["uid"] = owner.Metadata.Uid,
            ["controller"] = true,
            ["blockOwnerDeletion"] = true,
        },
    ];

    /// <summary>A whole object of <paramref name="kind"/> with a controlling owner.</summary>
    public static JsonObject New(ResourceKind kind, KubeObject owner, string name, JsonObject labels, JsonObject? annotations = null)
    {
        var metadata = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = owner.Metadata.Namespace,
            ["labels"] = labels,
            ["ownerReferences"] = OwnedBy(owner),
        };
        if (annotations is { Count: > 0 })
        {
            metadata["annotations"] = annotations;
        }
        return new JsonObject { ["apiVersion"] = kind.ApiVersion, ["kind"] = kind.Kind, ["metadata"] = metadata };
    }

    /// <summary>
    /// Makes the object exist with at least what <paramref name="desired"/> says: creates it, patches what differs, or writes nothing. Empty values that the
    /// API server does not keep (<see cref="EmptyFields"/>) are no difference where it has nothing, and taken out of it.
    /// An object of that name with another controller is left alone: <see cref="OwnerConflictException"/>.
    /// </summary>
    public static async Task<KubeObject> EnsureAsync(
        IKubeClient client, ResourceKind kind, JsonObject desired, string manager, CancellationToken ct)
    {
        var metadata = desired["metadata"]!.AsObject();
        var key = new ObjectKey((string?)metadata["namespace"] ?? "", (string)metadata["name"]!);
        if (client.Cache(kind).Get(key) is not { } present)
        {
            return await client.CreateAsync(kind, KubeObject.From(desired), WriteOptions.By(manager), ct);
        }
        RequireSameOwner(kind, present, metadata);
        using var document = CanonicalJson.Document(present.Json);
        if (JsonDiff.Covers(document.RootElement, desired) || (EmptyFields.Remove(kind, desired, document.RootElement) && JsonDiff.Covers(document.RootElement, desired)))
        {
            return present;
        }
        JsonObject patch = [];
        foreach (var (name, value) in desired)
        {
            if (name is not ("apiVersion" or "kind" or "status")
                && !(document.RootElement.TryGetProperty(name, out var actual) && JsonDiff.Covers(actual, value)))
            {
                patch[name] = value?.DeepClone();
            }
        }
        return await PatchAsync(client, kind, present, patch, WriteOptions.By(manager), ct);
    }

    /// <summary>
    /// Like <see cref="EnsureAsync"/>, but the spec and the labels and annotations become exactly the desired ones, save annotations that
    /// <paramref name="keepAnnotation"/> leaves to others. For children that mirror what a user wrote, where removing counts too.
    /// </summary>
    public static async Task<KubeObject> MirrorAsync(
        IKubeClient client, ResourceKind kind, JsonObject desired, Func<string, bool> keepAnnotation, string manager, CancellationToken ct)
    {
        var metadata = desired["metadata"]!.AsObject();
        var key = new ObjectKey((string?)metadata["namespace"] ?? "", (string)metadata["name"]!);
        if (client.Cache(kind).Get(key) is not { } present)
        {
            return await client.CreateAsync(kind, KubeObject.From(desired), WriteOptions.By(manager), ct);
        }
        RequireSameOwner(kind, present, metadata);
        var tree = present.ToTree();
        var before = Mirrored(tree);
        var after = Mirrored(desired);
        foreach (var (name, value) in before["metadata"]!["annotations"]!.AsObject())
        {
            var annotations = after["metadata"]!["annotations"]!.AsObject();
            if (!annotations.ContainsKey(name) && keepAnnotation(name))
            {
                annotations[name] = value!.DeepClone();
            }
        }
        if (JsonDiff.MergePatch(before, after) is not { } patch)
        {
            return present;
        }
        return await PatchAsync(client, kind, present, patch, WriteOptions.By(manager), ct);

        static JsonObject Mirrored(JsonObject tree) => new()
        {
            ["metadata"] = new JsonObject
            {
                ["labels"] = tree["metadata"]?["labels"]?.DeepClone() ?? new JsonObject(),
                ["annotations"] = tree["metadata"]?["annotations"]?.DeepClone() ?? new JsonObject(),
            },
            ["spec"] = tree["spec"]?.DeepClone() ?? new JsonObject(),
        };
    }

    /// <summary>
    /// Writes <paramref name="status"/> when it differs from the stored one, as a patch of the difference. <paramref name="durability"/> is
    /// Synced for a status that could not be derived again (docs/decisions/0002).
    /// </summary>
    public static async Task<KubeObject> PatchStatusAsync(
        IKubeClient client, ResourceKind kind, KubeObject present, JsonObject status, string manager, CancellationToken ct,
        WriteDurability durability = WriteDurability.Derived)
    {
        if (JsonDiff.MergePatch(StatusFields.Of(present), status) is not { } difference)
        {
            return present;
        }
        return await PatchAsync(client, kind, present, new JsonObject { ["status"] = difference }, WriteOptions.By(manager, "status") with { Durability = durability }, ct);
    }

    /// <summary>
    /// Merges <paramref name="patch"/> into that very object: one of its name that was made in the meantime answers with Conflict
    /// (apiserver: an unlike <c>metadata.uid</c> is Conflict or, from a patch, Invalid).
    /// </summary>
    public static async Task<KubeObject> PatchAsync(
        IKubeClient client, ResourceKind kind, KubeObject present, JsonObject patch, WriteOptions options, CancellationToken ct)
    {
        if (patch["metadata"] is not JsonObject metadata)
        {
            patch["metadata"] = metadata = [];
        }
        metadata["uid"] = present.Metadata.Uid;
        try
        {
            return await client.PatchAsync(kind, present.Key, new KubePatch(PatchType.Merge, CanonicalJson.Serialize(patch)), options, ct);
        }
        catch (ApiException e) when (e.Code == 422 && e.Causes.Any(c => c.Field == "metadata.uid"))
        {
            throw ApiException.Conflict(kind, present.Metadata.Name, e.Message);
        }
    }

    /// <summary>Deletes if it is there.</summary>
    public static async Task DeleteIfPresentAsync(IKubeClient client, ResourceKind kind, KubeObject present, CancellationToken ct)
    {
        try
        {
            await client.DeleteAsync(kind, present.Key, DeleteOptions.Background with { Uid = present.Metadata.Uid }, ct);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Somebody else deleted it, or it is another object of the same name by now: either way this one is gone.
        }
    }

    private static void RequireSameOwner(ResourceKind kind, KubeObject present, JsonObject metadata)
    {
        var wanted = (string?)metadata["ownerReferences"]?[0]?["uid"];
        var actual = present.Metadata.ControllerRef;
        if (wanted is not null && actual?.Uid != wanted)
        {
            throw new OwnerConflictException(kind, present.Key, actual);
        }
    }
}

/// <summary>An object a controller wants to make exists and belongs to something else.</summary>
public sealed class OwnerConflictException(ResourceKind kind, ObjectKey key, OwnerReference? owner)
    : Exception(owner is null
        ? $"there is an existing {kind.Kind} {key} that no controller owns; delete or rename it"
        : $"there is an existing {kind.Kind} {key} that {owner.Kind} {owner.Name} owns; delete or rename it")
{
    public ResourceKind Kind { get; } = kind;

    public ObjectKey Key { get; } = key;
}
