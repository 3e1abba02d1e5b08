using System.Text.Json.Nodes;

namespace Serval.ApiServer.Apply;

/// <summary>What an apply makes of an object, or the conflicts that keep it from it.</summary>
internal sealed record ApplyOutcome(JsonObject Tree, List<ManagedEntry> Entries, IReadOnlyList<FieldConflict> Conflicts);
