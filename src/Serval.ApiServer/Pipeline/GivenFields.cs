using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;

namespace Serval.ApiServer.Pipeline;

/// <summary>What the server itself adds to a new object, so that it is not its writer's (kubernetes pkg/registry: each kind's strategy, which runs after the fields are noted).</summary>
internal static class GivenFields
{
    private static readonly string[] s_job = ["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"];

    /// <param name="kind">The kind.</param>
    /// <param name="tree">The object as it came.</param>
    public static FieldSet Of(ResourceKind kind, JsonObject tree)
    {
        var spec = tree["spec"];
        if (kind != BatchKinds.Job || spec?["manualSelector"]?.GetValueKind() == System.Text.Json.JsonValueKind.True)
        {
            return FieldSet.Empty;
        }
        var labels = spec?["template"]?["metadata"]?["labels"] is JsonObject given
            ? s_job.Where(l => !given.ContainsKey(l)).SelectMany(l => (FieldSet[])[FieldSet.OfFields("metadata", "labels", l), FieldSet.OfFields("spec", "template", "metadata", "labels", l)])
            : [FieldSet.OfFields("metadata", "labels"), FieldSet.OfFields("spec", "template", "metadata")];
        var selector = spec?["selector"] is null ? FieldSet.OfFields("spec", "selector") : FieldSet.Empty;
        return labels.Aggregate(selector, static (a, b) => a.Union(b));
    }
}
