using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary>
/// The annotation in which <c>kubectl apply</c> keeps what it applied: <c>kubectl apply --server-side</c> takes an object over from it without
/// conflicts, and it is kept current for the way back. (apimachinery: lastappliedmanager.go, lastappliedupdater.go.)
/// </summary>
internal static class LastApplied
{
    /// <summary>The one manager whose applies know the annotation.</summary>
    public const string Manager = "kubectl";

    private const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";
    private const int MaxAnnotationBytes = 256 * 1024;

    /// <summary>Fields that the annotation says and the live object still has: to change them is no conflict.</summary>
    public static FieldSet AgreedFields(JsonObject live, FieldOperation by)
    {
        if (Read(live) is not { } text)
        {
            return FieldSet.Empty;
        }
        try
        {
            if (CanonicalJson.Parse(text) is not JsonObject applied || (string?)applied["apiVersion"] != by.ApiVersion || TypedTree.Problems(applied, by.Type).Count > 0)
            {
                return FieldSet.Empty;
            }
            var (added, modified, removed) = TypedTree.Compare(applied, live, by.Type);
            return TypedTree.FieldsOf(applied, by.Type).Except(modified).Except(added).Except(removed);
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException or InvalidOperationException)
        {
            return FieldSet.Empty; // anybody may write the annotation
        }
    }

    /// <summary>Writes what was applied into the annotation, where there is one.</summary>
    public static void Refresh(JsonObject result, JsonObject config)
    {
        if (Read(result) is null)
        {
            return;
        }
        var copy = config.DeepClone().AsObject();
        (copy["metadata"]?["annotations"] as JsonObject)?.Remove(Annotation);
        var annotations = result["metadata"]!["annotations"]!.AsObject();
        annotations[Annotation] = Encoding.UTF8.GetString(CanonicalJson.Serialize(copy)) + "\n";
        if (annotations.Sum(a => Encoding.UTF8.GetByteCount(a.Key) + Encoding.UTF8.GetByteCount((string?)a.Value ?? "")) > MaxAnnotationBytes)
        {
            annotations.Remove(Annotation);
        }
    }

    private static string? Read(JsonObject tree) =>
        tree["metadata"]?["annotations"] is JsonObject annotations && annotations[Annotation] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;
}
