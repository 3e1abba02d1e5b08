using System.Text.Json.Nodes;

namespace Serval.ApiServer.Http;

internal static class JsonTree
{
    /// <summary>The object below <paramref name="name"/>; an empty one is put there when there is none.</summary>
    public static JsonObject Below(this JsonObject tree, string name)
    {
        if (tree[name] is JsonObject found)
        {
            return found;
        }
        var made = new JsonObject();
        tree[name] = made;
        return made;
    }
}
