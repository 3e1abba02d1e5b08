using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Conditions with one that sums up the others (Knative: apis.ConditionSet). <c>Ready</c> is True when every dependent is, False with the
/// reason of the latest failed dependent when one is False, else Unknown with the reason of one that is. Status moves only through the Mark methods;
/// <c>lastTransitionTime</c> moves whenever the condition says something else: status, reason, message or severity (knative/pkg: SetCondition).
/// </summary>
public sealed class ConditionSet
{
    private readonly Dictionary<string, Condition> _byType;
    private readonly IReadOnlyDictionary<string, Condition> _before;
    private readonly string[] _dependents;
    private readonly DateTimeOffset _now;

    /// <param name="current">Conditions as stored.</param>
    /// <param name="now">Time of transitions; cut to seconds as stored times are.</param>
    /// <param name="dependents">Types that Ready sums up.</param>
    public ConditionSet(IReadOnlyList<Condition> current, DateTimeOffset now, params string[] dependents)
    {
        _before = current.GroupBy(c => c.Type).ToDictionary(g => g.Key, g => g.Last());
        _byType = new Dictionary<string, Condition>(_before);
        _dependents = dependents;
        _now = now;
        foreach (var type in dependents.Append("Ready"))
        {
            _byType.TryAdd(type, new Condition { Type = type, Status = "Unknown" });
        }
    }

    public Condition? this[string type] => _byType.GetValueOrDefault(type);

    public void MarkTrue(string type, string reason = "", string message = "", string severity = "") => Set(type, "True", reason, message, severity);

    public void MarkFalse(string type, string reason, string message, string severity = "") => Set(type, "False", reason, message, severity);

    public void MarkUnknown(string type, string reason = "", string message = "", string severity = "") =>
        Set(type, "Unknown", reason, message, severity);

    public void Clear(string type) => _byType.Remove(type);

    /// <summary>Copies another object's condition (its Ready, say) under a type of this one.</summary>
    public void Take(string type, Condition? source, string whenAbsent = "")
    {
        if (source is null)
        {
            MarkUnknown(type, whenAbsent);
        }
        else
        {
            Set(type, source.Status, source.Reason, source.Message, "");
        }
    }

    public bool IsTrue(string type) => _byType.TryGetValue(type, out var c) && c.Status == "True";

    public bool IsFalse(string type) => _byType.TryGetValue(type, out var c) && c.Status == "False";

    /// <summary>The conditions, Ready included, ordered by type as Knative stores them.</summary>
    public JsonArray ToJson()
    {
        SumUp();
        return [.. _byType.Values.OrderBy(c => c.Type, StringComparer.Ordinal).Select(c => (JsonNode)Write(c))];
    }

    /// <summary>Ready as it now stands.</summary>
    public Condition Ready
    {
        get
        {
            SumUp();
            return _byType["Ready"];
        }
    }

    private void SumUp()
    {
        if (_dependents.Length == 0)
        {
            return;
        }
        var unhappy = _dependents.Select(t => _byType[t]).Where(c => c.Status != "True")
            .OrderBy(c => c.Status == "False" ? 0 : 1).ThenByDescending(c => Stamp(c)).FirstOrDefault();
        Set("Ready", unhappy?.Status ?? "True", unhappy?.Reason ?? "", unhappy?.Message ?? "", "");
    }

    private void Set(string type, string status, string reason, string message, string severity) =>
        _byType[type] = new Condition { Type = type, Status = status, Reason = reason, Message = message, Severity = severity };

    private DateTimeOffset Stamp(Condition c) =>
        _before.TryGetValue(c.Type, out var before) && before.LastTransitionTime is { } since && before with { LastTransitionTime = c.LastTransitionTime } == c
            ? since
            : _now;

    private JsonObject Write(Condition c)
    {
        var json = new JsonObject { ["lastTransitionTime"] = KubeTime.Text(Stamp(c)) };
        json.Put("message", c.Message);
        json.Put("reason", c.Reason);
        json.Put("severity", c.Severity);
        json["status"] = c.Status;
        json["type"] = c.Type;
        return json;
    }
}
