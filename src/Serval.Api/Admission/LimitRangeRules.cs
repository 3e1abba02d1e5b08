using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>LimitRanges (kubernetes pkg/apis/core/validation: ValidateLimitRange).</summary>
internal static class LimitRangeRules
{
    private static readonly Quantity s_one = Quantity.Parse("1");

    public static void Check(JsonObject tree, Problems to)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, limit) in tree.Object("spec").Objects("limits"))
        {
            var path = $"spec.limits[{i}]";
            var type = limit.String("type");
            to.Check($"{path}.type", type, Names.QualifiedNameProblems);
            if (Names.QualifiedNameProblems(type).Count == 0 && !type.Contains('/', StringComparison.Ordinal) && type is not ("Pod" or "Container" or "PersistentVolumeClaim"))
            {
                to.InvalidText($"{path}.type", type, "must be a standard limit type or fully qualified");
            }
            if (!types.Add(type))
            {
                to.Duplicate($"{path}.type", type);
            }
            Limit(limit, type, path, to);
        }
    }

    private static void Limit(JsonObject limit, string type, string path, Problems to)
    {
        var (max, min) = (Read(limit, "max", type, path, to), Read(limit, "min", type, path, to));
        Dictionary<string, Quantity> most = [], request = [];
        if (type == "Pod")
        {
            foreach (var list in (ReadOnlySpan<string>)["default", "defaultRequest"])
            {
                if (limit.Object(list) is { Count: > 0 })
                {
                    to.Forbidden($"{path}.{list}", "may not be specified when `type` is 'Pod'");
                }
            }
        }
        else
        {
            (most, request) = (Read(limit, "default", type, path, to), Read(limit, "defaultRequest", type, path, to));
        }
        if (type == "PersistentVolumeClaim" && !min.ContainsKey("storage") && !max.ContainsKey("storage"))
        {
            to.Required($"{path}.limits", "either minimum or maximum storage value is required, but neither was provided");
        }
        var ratio = Read(limit, "maxLimitRequestRatio", type, path, to);
        foreach (var name in ((IEnumerable<Dictionary<string, Quantity>>)[max, min, most, request, ratio]).SelectMany(a => a.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            NotMore(min, max, "min", min, "min value", "max value");
            NotMore(min, request, "defaultRequest", request, "min value", "default request value");
            NotMore(request, max, "defaultRequest", request, "default request value", "max value");
            NotMore(request, most, "defaultRequest", request, "default request value", "default limit value");
            NotMore(min, most, "default", min, "min value", "default value");
            NotMore(most, max, "default", max, "default value", "max value");
            Ratio(At(ratio), At(min), At(max), $"{path}.maxLimitRequestRatio[{name}]", to);
            if (!ResourceNames.MayOvercommit(name) && At(most) is { } limited && At(request) is { } asked && limited != asked)
            {
                to.InvalidText($"{path}.defaultRequest[{name}]", $"{asked}", $"default value {limited} must equal to defaultRequest value {asked} in {name}");
            }

            Quantity? At(Dictionary<string, Quantity> list) => list.TryGetValue(name, out var amount) ? amount : null;

            void NotMore(Dictionary<string, Quantity> less, Dictionary<string, Quantity> more, string field, Dictionary<string, Quantity> shown, string lessName, string moreName)
            {
                if (At(less) > At(more))
                {
                    to.InvalidText($"{path}.{field}[{name}]", $"{At(shown)}", $"{lessName} {At(less)} is greater than {moreName} {At(more)}");
                }
            }
        }
    }

    private static void Ratio(Quantity? ratio, Quantity? min, Quantity? max, string path, Problems to)
    {
        if (ratio is not { } given)
        {
            return;
        }
        if (given < s_one)
        {
            to.InvalidText(path, $"{given}", $"ratio {given} is less than 1");
        }
        if (min is { } low && max is { } high && (double)high.MilliValue / low.MilliValue is var bound && given.MilliValue / 1000.0 > bound)
        {
            to.InvalidText(path, $"{given}", $"ratio {given} is greater than max/min = {bound.ToString("F6", CultureInfo.InvariantCulture)}");
        }
    }

    private static Dictionary<string, Quantity> Read(JsonObject limit, string list, string type, string path, Problems to)
    {
        var amounts = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        foreach (var (name, value) in limit.Object(list) ?? [])
        {
            if (type is "Pod" or "Container")
            {
                ResourceNames.CheckContainer($"{path}.{list}[{name}]", name, to);
            }
            else
            {
                ResourceNames.Check($"{path}.{list}[{name}]", name, to);
            }
            if (Amounts.TryRead(value, out var amount))
            {
                amounts[name] = amount;
            }
        }
        return amounts;
    }
}
