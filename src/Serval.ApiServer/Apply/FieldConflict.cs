using Serval.Api;
using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary>A field that an applied configuration would change although another manager owns it.</summary>
internal sealed record FieldConflict(ManagedEntry Owner, IReadOnlyList<PathElement> Path)
{
    private string Field => string.Concat(Path);

    /// <summary>The answer: clients read the causes, people the message. (apimachinery: util/managedfields/internal/conflict.go.)</summary>
    public static ApiException ToException(IReadOnlyList<FieldConflict> conflicts) => new(
        409, "Conflict", Message(conflicts), [.. conflicts.Select(c => new StatusCause("FieldManagerConflict", $"conflict with {Name(c.Owner)}", c.Field))]);

    private static string Message(IReadOnlyList<FieldConflict> conflicts)
    {
        if (conflicts is [var only])
        {
            return $"Apply failed with 1 conflict: conflict with {Name(only.Owner)}: {only.Field}";
        }
        var lines = conflicts.GroupBy(c => Name(c.Owner)).OrderBy(g => g.Key, StringComparer.Ordinal)
            .SelectMany(g => g.Select(c => $"- {c.Field}").Prepend($"conflicts with {g.Key}:"));
        return $"Apply failed with {conflicts.Count} conflicts: {string.Join('\n', lines)}";
    }

    private static string Name(ManagedEntry owner) =>
        $"\"{owner.Manager}\"" + (owner.Subresource.Length > 0 ? $" with subresource \"{owner.Subresource}\"" : "") + (owner.IsApply ? "" : $" using {owner.ApiVersion}");
}
