using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>Trees for table tests: a good object, and edits written as <c>path = json</c>, several on lines of their own. <c>-</c> removes.</summary>
internal static class Edits
{
    public static JsonObject Parse(string json) => (JsonObject)JsonNode.Parse(json)!;

    public static JsonObject Edit(this JsonObject tree, string edits)
    {
        foreach (var line in edits.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = line.IndexOf(" = ", StringComparison.Ordinal);
            Set(tree, line[..equals].Trim(), line[(equals + 3)..].Trim());
        }
        return tree;
    }

    public static JsonObject Defaulted(this JsonObject tree, ResourceKind kind, AdmissionContext ctx, JsonObject? old = null)
    {
        Defaulting.Apply(kind, tree, old, ctx);
        return tree;
    }

    // "a.b[0]['x/y.z']" → steps.
    private static List<object> Steps(string path)
    {
        var steps = new List<object>();
        for (var i = 0; i < path.Length;)
        {
            if (path[i] == '.')
            {
                i++;
            }
            else if (path[i] == '[')
            {
                var close = path.IndexOf(']', i);
                var inner = path[(i + 1)..close];
                steps.Add(inner[0] == '\'' ? inner.Trim('\'') : int.Parse(inner));
                i = close + 1;
            }
            else
            {
                var end = path.IndexOfAny(['.', '['], i);
                end = end < 0 ? path.Length : end;
                steps.Add(path[i..end]);
                i = end;
            }
        }
        return steps;
    }

    private static void Set(JsonObject tree, string path, string json)
    {
        var steps = Steps(path);
        JsonNode at = tree;
        for (var i = 0; i < steps.Count - 1; i++)
        {
            at = Step(at, steps[i], steps[i + 1] is int);
        }
        if (json == "-")
        {
            ((JsonObject)at).Remove((string)steps[^1]);
        }
        else if (steps[^1] is int index)
        {
            var list = (JsonArray)at;
            if (index == list.Count)
            {
                list.Add(JsonNode.Parse(json));
            }
            else
            {
                list[index] = JsonNode.Parse(json);
            }
        }
        else
        {
            at[(string)steps[^1]] = JsonNode.Parse(json);
        }
    }

    private static JsonNode Step(JsonNode at, object step, bool list)
    {
        if (step is int index)
        {
            var array = (JsonArray)at;
            if (index == array.Count)
            {
                array.Add(new JsonObject());
            }
            return array[index]!;
        }
        var key = (string)step;
        return at[key] ??= list ? new JsonArray() : new JsonObject();
    }
}
