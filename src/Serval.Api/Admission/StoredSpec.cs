using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Holds an update against what is stored, which may be from before there was a rule or a default: a part that is left as it was is not judged again.</summary>
internal static class StoredSpec
{
    /// <summary>Whether an update leaves <c>spec</c> as it was, or as it is with today's defaults. A new object leaves nothing.</summary>
    public static bool Kept(JsonObject tree, JsonObject? old, Action<JsonObject> defaults) =>
        old is not null && (TreeDiff.Same(old["spec"], tree["spec"]) || TreeDiff.Same(Completed(old, defaults)["spec"], tree["spec"]));

    /// <summary>A copy with today's defaults.</summary>
    public static JsonObject Completed(JsonObject stored, Action<JsonObject> defaults)
    {
        var copy = stored.DeepClone().AsObject();
        defaults(copy);
        return copy;
    }
}
