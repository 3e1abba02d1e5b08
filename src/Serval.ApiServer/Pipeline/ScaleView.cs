using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Schema;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Pipeline;

/// <summary>autoscaling/v1 Scale of an object with replicas: what <c>/scale</c> shows and takes.</summary>
public static class ScaleView
{
    /// <summary>The version of Scales.</summary>
    internal const string ApiVersion = "autoscaling/v1";

    private const int NoNumber = int.MinValue;

    private static readonly Lazy<TypeSchema> s_type = new(() => Schemas.Find(ApiVersion, "Scale")!);

    internal static TypeSchema Type => s_type.Value;

    internal static FieldType FieldType => TableFieldTypes.BuiltIn.Of(s_type.Value);

    /// <summary>Reads what a client sent as a Scale.</summary>
    internal static DecodedObject Read(ReadOnlyMemory<byte> json) => StrictDecoder.Decode(s_type.Value, json);

    /// <summary>The Scale of an object. 404 when a custom object has no number of wanted replicas (upstream: 500).</summary>
    public static JsonObject Of(ResourceKind kind, KubeObject obj, bool mayLack = false)
    {
        var tree = obj.ToTree();
        var paths = kind.Shape?.Scale;
        var wanted = Number(tree, paths?.SpecReplicasPath ?? ".spec.replicas");
        if (wanted is null && paths is not null && !mayLack)
        {
            throw new ApiException(404, "NotFound", $"the spec replicas field \"{paths.SpecReplicasPath}\" does not exist");
        }
        var status = new JsonObject { ["replicas"] = Number(tree, paths?.StatusReplicasPath ?? ".status.replicas") ?? 0 };
        var selector = paths is null ? Selector(kind, tree) : At(tree, paths.LabelSelectorPath) is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
        if (selector.Length > 0)
        {
            status["selector"] = selector;
        }
        return new JsonObject
        {
            ["apiVersion"] = "autoscaling/v1",
            ["kind"] = "Scale",
            ["metadata"] = new JsonObject
            {
                ["name"] = obj.Metadata.Name,
                ["namespace"] = obj.Metadata.Namespace,
                ["uid"] = obj.Metadata.Uid,
                ["resourceVersion"] = obj.Metadata.ResourceVersion,
                ["creationTimestamp"] = obj.Metadata.CreationTimestamp is { } created ? KubeTime.Text(created) : null,
            },
            ["spec"] = wanted is null or 0 ? new JsonObject() : new JsonObject { ["replicas"] = wanted },
            ["status"] = status,
        };
    }

    /// <summary>The Scale that a patch changes. A number that is not there is one that no client means, so that a patch that leaves it is seen.</summary>
    internal static JsonObject ToEdit(ResourceKind kind, KubeObject obj)
    {
        var scale = Of(kind, obj, mayLack: true);
        if (kind.Shape?.Scale is { } paths && Number(obj.ToTree(), paths.SpecReplicasPath) is null)
        {
            scale["spec"] = new JsonObject { ["replicas"] = NoNumber };
        }
        return scale;
    }

    /// <summary>Throws 400 when a patch of a custom object without a number gave it none (apiextensions-apiserver pkg/registry/customresource/etcd.go).</summary>
    internal static void RequireNumber(ResourceKind kind, int replicas)
    {
        if (replicas == NoNumber && kind.Shape?.Scale is { } paths)
        {
            throw ApiException.BadRequest($"the spec replicas field \"{paths.SpecReplicasPath}\" cannot be empty");
        }
    }

    /// <summary>Throws 409 when a patch or an apply means another object. Of a custom kind upstream does not look (registry/apps/deployment/storage: scaleUpdatedObjectInfo).</summary>
    internal static void RequireUid(ResourceKind kind, KubeObject present, JsonNode? uid)
    {
        if (kind.Shape is null && uid is JsonValue value && value.TryGetValue<string>(out var meant) && meant.Length > 0 && meant != present.Metadata.Uid)
        {
            throw ApiException.ScaleConflict(kind, present.Metadata.Name, $"Precondition failed: UID in precondition: {meant}, UID in object meta: {present.Metadata.Uid}");
        }
    }

    /// <summary>Puts the number of wanted replicas where the kind has it.</summary>
    internal static void Set(ResourceKind kind, JsonObject tree, JsonNode replicas)
    {
        var path = Steps(kind.Shape?.Scale?.SpecReplicasPath ?? ".spec.replicas");
        foreach (var step in path[..^1])
        {
            tree = tree.Below(step);
        }
        tree[path[^1]] = replicas;
    }

    internal static ApiException Negative(string name, int replicas)
    {
        var cause = new StatusCause("FieldValueInvalid", $"Invalid value: {replicas}: must be greater than or equal to 0", "spec.replicas");
        return new(422, "Invalid", $"Scale.autoscaling \"{name}\" is invalid: {cause.Field}: {cause.Message}", [cause],
            new JsonObject { ["name"] = name, ["group"] = "autoscaling", ["kind"] = "Scale" });
    }

    private static string Selector(ResourceKind kind, JsonObject tree)
    {
        var selector = tree["spec"]?["selector"];
        var labels = (kind == StoredKinds.ReplicationController ? selector : selector?["matchLabels"]) as JsonObject ?? [];
        return string.Join(',', labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
    }

    private static long? Number(JsonObject tree, string path) => At(tree, path) is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    private static JsonNode? At(JsonObject tree, string path)
    {
        JsonNode? node = path.Length == 0 ? null : tree;
        foreach (var step in Steps(path))
        {
            node = (node as JsonObject)?[step];
        }
        return node;
    }

    private static string[] Steps(string path) => path.TrimStart('.').Split('.');
}
