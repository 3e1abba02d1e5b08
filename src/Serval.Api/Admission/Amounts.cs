using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Quantities in trees: text or bare numbers.</summary>
internal static class Amounts
{
    public static bool TryRead(JsonNode? node, out Quantity amount)
    {
        amount = default;
        return node is JsonValue && Quantity.TryParse(Text(node), out amount);
    }

    public static string Text(JsonNode? node) => node is null ? "" : node.GetValueKind() == JsonValueKind.String ? Tree.Text(node) : node.ToJsonString();
}
