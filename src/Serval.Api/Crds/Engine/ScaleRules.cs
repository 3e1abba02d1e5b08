using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Admission;
using Serval.Api.GoText;

namespace Serval.Api.Crds;

/// <summary>What <c>/scale</c> shows of an object has its types (apiextensions-apiserver registry/customresource: validator.go).</summary>
internal static class ScaleRules
{
    public static void Spec(CustomResourceScale? scale, JsonObject tree, Problems to) => Replicas(scale?.SpecReplicasPath, tree, to);

    public static void Status(CustomResourceScale? scale, JsonObject tree, Problems to)
    {
        Replicas(scale?.StatusReplicasPath, tree, to);
        if (scale?.LabelSelectorPath is { Length: > 0 } path && Find(tree, path, out var value) is var wrong
            && (wrong ?? (value is null || value.Node is JsonValue node && JsonText.TypeOf(node) == "string" ? null : Not(path, value.Node, "string"))) is { } why)
        {
            to.InvalidText(path, "", why);
        }
    }

    private static void Replicas(string? path, JsonObject tree, Problems to)
    {
        if (string.IsNullOrEmpty(path))
        {
            return;
        }
        if (Find(tree, path, out var found) is { } wrong)
        {
            to.Invalid(path, "0", wrong);
        }
        else if (found is not null && !(found.Node is JsonValue value && value.TryGetInteger(out _)))
        {
            to.Invalid(path, "0", Not(path, found.Node, "int64"));
        }
        else if (found is not null && found.Node!.AsValue().TryGetInteger(out var number) && number is < 0 or > int.MaxValue)
        {
            to.Invalid(path, number.ToString(CultureInfo.InvariantCulture), number < 0 ? "should be a non-negative integer" : $"should be less than or equal to {int.MaxValue}");
        }
    }

    /// <returns>Why the path leads nowhere; null when it leads to <paramref name="found"/>, or when nothing is there.</returns>
    private static string? Find(JsonObject tree, string path, out Found? found)
    {
        JsonNode? node = tree;
        found = null;
        var steps = path.TrimStart('.').Split('.');
        for (var i = 0; i < steps.Length; i++)
        {
            if (node is null)
            {
                return null;
            }
            if (node is not JsonObject map)
            {
                return Not("." + string.Join('.', steps[..(i + 1)]), node, "map[string]interface{}");
            }
            if (!map.TryGetPropertyValue(steps[i], out node))
            {
                return null;
            }
        }
        found = new Found(node);
        return null;
    }

    private static string Not(string path, JsonNode? node, string type) => $"{path} accessor error: {GoValue.Text(node)} is of the type {GoValue.Type(node)}, expected {type}";

    private sealed record Found(JsonNode? Node);
}
