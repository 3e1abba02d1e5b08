using System.Globalization;
using System.Text.Json.Nodes;

namespace Serval.Api.Crds;

/// <summary>Bounds of numbers (kube-openapi pkg/validation/validate numberValidator).</summary>
internal static class NumberRules
{
    /// <returns>What is wrong, and whether upstream's error knows the field.</returns>
    public static IEnumerable<(string Wrong, bool Named)> Check(string type, ValueRules? rules, JsonValue value, double number)
    {
        if (OutOfRange(type, rules?.Format ?? "", value, number))
        {
            yield return ($"Checked value must be of type {type} {(rules is null or { Format: "" } ? "(default format)" : $"with format {rules.Format}")}", false);
        }
        if (rules is null)
        {
            yield break;
        }
        if (rules.MultipleOf is { } factor && !(factor > 0 && IsMultiple(number, factor)))
        {
            yield return ($"should be a multiple of {Show(factor)}", true);
        }
        if (rules.Minimum is { } least && (rules.ExclusiveMinimum ? number <= least : number < least))
        {
            yield return ($"should be greater than {(rules.ExclusiveMinimum ? "" : "or equal to ")}{Show(least)}", true);
        }
        if (rules.Maximum is { } most && (rules.ExclusiveMaximum ? number >= most : number > most))
        {
            yield return ($"should be less than {(rules.ExclusiveMaximum ? "" : "or equal to ")}{Show(most)}", true);
        }
    }

    private static bool OutOfRange(string type, string format, JsonValue value, double number) => type switch
    {
        "integer" => !IsInt64(value, number) || (format == "int32" && number is < int.MinValue or > int.MaxValue),
        "number" => format == "float" && Math.Abs(number) > float.MaxValue,
        _ => false,
    };

    /// <summary>A double cannot tell the largest integer from the one after it; what is not written as an integer is one to upstream.</summary>
    private static bool IsInt64(JsonValue value, double number) =>
        value.TryGetInteger(out _) || (Math.Floor(number) == number && Math.Abs(number) < long.MaxValue);

    private static bool IsMultiple(double number, double factor)
    {
        var times = factor < 1 ? 1 / factor * number : number / factor;
        return Math.Abs(times - Math.Round(times)) <= 1e-9 * Math.Max(1, Math.Abs(times));
    }

    private static string Show(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
