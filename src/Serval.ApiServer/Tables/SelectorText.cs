using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Selectors of objects in the query form <c>a=b,c in (d,e),!f</c>.</summary>
internal static class SelectorText
{
    /// <summary>A LabelSelector; <c>&lt;none&gt;</c> when it is empty.</summary>
    public static string Format(JsonElement selector)
    {
        var parts = new List<string>(selector.Entries("matchLabels").Select(Pair));
        foreach (var requirement in selector.Items("matchExpressions"))
        {
            var key = requirement.Text("key");
            var values = string.Join(",", requirement.Items("values").Select(v => v.Text()));
            parts.Add(requirement.Text("operator") switch
            {
                "In" => $"{key} in ({values})",
                "NotIn" => $"{key} notin ({values})",
                "DoesNotExist" => "!" + key,
                _ => key,
            });
        }
        return string.Join(",", parts).OrNone();
    }

    /// <summary>A plain map of labels.</summary>
    public static string FormatMap(JsonElement labels) => string.Join(",", labels.Entries().Select(Pair)).OrNone();

    private static string Pair(JsonProperty label) => $"{label.Name}={label.Value.Text()}";
}
