using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Schema;

namespace Serval.ApiServer.Pipeline;

/// <summary>autoscaling/v1 Scale of an object with replicas: what <c>/scale</c> shows and takes.</summary>
public static class ScaleView
{
    private static readonly Lazy<TypeSchema> s_type = new(() => Schemas.Find("autoscaling/v1", "Scale")!);

    internal static FieldType FieldType => TableFieldTypes.BuiltIn.Of(s_type.Value);

    /// <summary>Reads what a client sent as a Scale.</summary>
    internal static DecodedObject Read(ReadOnlyMemory<byte> json) => StrictDecoder.Decode(s_type.Value, json);

    public static JsonObject Of(KubeObject obj)
    {
        var tree = obj.ToTree();
        var status = new JsonObject { ["replicas"] = (long?)tree["status"]?["replicas"] ?? 0 };
        var labels = tree["spec"]?["selector"]?["matchLabels"] as JsonObject ?? [];
        var selector = string.Join(',', labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
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
            ["spec"] = new JsonObject { ["replicas"] = (long?)tree["spec"]?["replicas"] ?? 0 },
            ["status"] = status,
        };
    }
}
