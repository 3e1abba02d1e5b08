using System.Collections.Frozen;

namespace Serval.Api;

/// <summary>A label selector as objects hold it (apimachinery meta/v1 LabelSelector). Empty selects everything.</summary>
public sealed record LabelSelector
{
    public IReadOnlyDictionary<string, string> MatchLabels { get; init => field = value ?? field; } = FrozenDictionary<string, string>.Empty;
    public IReadOnlyList<LabelRequirement> MatchExpressions { get; init => field = value ?? field; } = [];

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var (key, value) in MatchLabels)
        {
            if (!labels.TryGetValue(key, out var actual) || actual != value)
            {
                return false;
            }
        }
        return MatchExpressions.All(r => r.Matches(labels));
    }
}

/// <summary>One requirement of a selector.</summary>
public sealed record LabelRequirement
{
    public string Key { get; init => field = value ?? field; } = "";

    /// <summary><c>In</c>, <c>NotIn</c>, <c>Exists</c> or <c>DoesNotExist</c>.</summary>
    public string Operator { get; init => field = value ?? field; } = "In";
    public IReadOnlyList<string> Values { get; init => field = value ?? field; } = [];

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        var present = labels.TryGetValue(Key, out var actual);
        return Operator switch
        {
            "In" => present && Values.Contains(actual),
            "NotIn" => !present || !Values.Contains(actual),
            "Exists" => present,
            "DoesNotExist" => !present,
            _ => false,
        };
    }
}
