using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Crds;

namespace Serval.Controllers.Definitions;

/// <summary>Names of an API group that are not free.</summary>
internal sealed class TakenNames
{
    /// <summary>Plural, singular and short names: what a path or a command line may say.</summary>
    public HashSet<string> Resources { get; } = new(StringComparer.Ordinal);

    /// <summary>Kinds and list kinds.</summary>
    public HashSet<string> Kinds { get; } = new(StringComparer.Ordinal);

    public void Add(string plural, string singular, IEnumerable<string> shortNames, string kind, string listKind)
    {
        Resources.UnionWith([plural, singular, .. shortNames]);
        Kinds.UnionWith([kind, listKind]);
    }
}

/// <summary>Which of its names a definition gets, and the conditions that say so (apiextensions-apiserver pkg/controller/status/naming_controller.go).</summary>
internal static class DefinitionNames
{
    /// <param name="wanted">The names of its spec.</param>
    /// <param name="status">Its status, which is written.</param>
    /// <param name="taken">Names of others.</param>
    /// <param name="isReadable">Whether the certificates of its webhook can be read, if it has any: <see cref="WebhookBundle"/>.</param>
    /// <param name="now">The time of a condition that turns.</param>
    public static void Accept(CustomResourceNames wanted, JsonObject status, TakenNames taken, bool isReadable, DateTimeOffset now)
    {
        if (status["acceptedNames"] is not JsonObject accepted)
        {
            status["acceptedNames"] = accepted = [];
        }
        (string Reason, string Message)? conflict = null;
        Grant("plural", wanted.Plural, taken.Resources, "PluralConflict");
        Grant("singular", wanted.Singular, taken.Resources, "SingularConflict");
        var had = (accepted["shortNames"] as JsonArray ?? []).Select(n => (string?)n).ToHashSet();
        var inUse = wanted.ShortNames.Where(n => !had.Contains(n) && taken.Resources.Contains(n)).ToList();
        if (inUse.Count > 0)
        {
            var texts = inUse.Select(InUse).ToList();
            conflict = ("ShortNamesConflict", texts.Count == 1 ? texts[0] : $"[{string.Join(", ", texts)}]");
        }
        else
        {
            Put(accepted, "shortNames", wanted.ShortNames);
        }
        Grant("kind", wanted.Kind, taken.Kinds, "KindConflict");
        Grant("listKind", wanted.ListKind, taken.Kinds, "ListKindConflict");
        Put(accepted, "categories", wanted.Categories);
        var (reason, message) = conflict ?? ("NoConflicts", "no conflicts found");
        ConditionList.Set(status, DefinitionConditions.NamesAccepted, conflict is null, reason, message, now);
        if (IsEstablished(status))
        {
            return;
        }
        if (conflict is null && !isReadable)
        {
            ConditionList.Set(status, DefinitionConditions.Established, false, "InvalidCABundle", "The conversion webhook CABundle is invalid", now);
        }
        else if (conflict is null)
        {
            ConditionList.Set(status, DefinitionConditions.Established, true, "InitialNamesAccepted", "the initial names have been accepted", now);
        }
        else
        {
            ConditionList.Set(status, DefinitionConditions.Established, false, "NotAccepted", "not all names are accepted", now);
        }

        void Grant(string field, string name, HashSet<string> others, string otherwise)
        {
            if (name != (string?)accepted[field] && others.Contains(name))
            {
                conflict = (otherwise, InUse(name));
                return;
            }
            accepted[field] = name;
        }
    }

    private static bool IsEstablished(JsonObject status) => (status["conditions"] as JsonArray ?? [])
        .Any(c => (string?)c?["type"] == DefinitionConditions.Established && (string?)c?["status"] == "True");

    private static string InUse(string name) => $"\"{name}\" is already in use";

    private static void Put(JsonObject names, string field, IReadOnlyList<string> values)
    {
        names.Remove(field);
        if (values.Count > 0)
        {
            names[field] = new JsonArray([.. values.Select(v => (JsonNode)v)]);
        }
    }
}
