using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;

namespace Serval.ApiServer.Apply;

/// <summary>
/// Field management of one write, from <c>managedFields</c> to <c>managedFields</c>. Pure. (apimachinery: util/managedfields/internal/fieldmanager.go
/// and the managers it chains.)
/// </summary>
internal static class FieldManager
{
    /// <summary>Owner of what an untracked object had when somebody first applied.</summary>
    private const string Before = "before-first-apply";

    /// <summary>
    /// The entries after a write that is no apply; a new object has no <paramref name="live"/> one. What the client sent as <c>managedFields</c> counts when it can be read; an object that
    /// nobody tracks stays so, unless <paramref name="starts"/>.
    /// </summary>
    public static JsonArray? Update(JsonObject? live, JsonObject next, JsonNode? sent, FieldOperation by, bool starts)
    {
        var former = live?["metadata"]?["managedFields"];
        var entries = Base(former, sent, by.Subresource.Length > 0);
        if (entries.Count == 0 && !starts)
        {
            return null;
        }
        var metadata = live?["metadata"] as JsonObject;
        metadata?.Remove("managedFields"); // a copy of the tree would cost more than all the rest
        try
        {
            return ManagedFields.Encode(ManagedFields.Cap(FieldUpdater.Update(live ?? by.Nothing, Bare(next), entries, by)));
        }
        catch (FormatException)
        {
            return former?.DeepClone() as JsonArray; // a list in the object that its type does not allow
        }
        finally
        {
            if (former is not null)
            {
                metadata!["managedFields"] = former;
            }
        }
    }

    /// <summary>
    /// The object with the configuration applied, and its entries. <see cref="ApiException"/> 409 with every conflict, 400 when the
    /// configuration is not of the type.
    /// </summary>
    public static (JsonObject Tree, JsonArray? Managed) Apply(JsonObject? live, JsonObject config, FieldOperation by, bool force)
    {
        RequireType(config, by.Type);
        try
        {
            var entries = Readable(live?["metadata"]?["managedFields"]);
            live = Bare(live ?? []);
            if (entries.Count == 0 && live.Count > 0)
            {
                entries = FieldUpdater.Update(by.Nothing, live, [], by with { Manager = Before });
            }
            var outcome = FieldUpdater.Apply(live, config, entries, by, force);
            if (outcome.Conflicts.Count > 0)
            {
                outcome = TakeOver(live, config, entries, by, outcome.Conflicts);
            }
            if (by.Manager == LastApplied.Manager)
            {
                LastApplied.Refresh(outcome.Tree, config);
            }
            return (outcome.Tree, ManagedFields.Encode(outcome.Entries));
        }
        catch (FormatException e)
        {
            throw ApiException.BadRequest($"failed to create typed live object ({Name(config)}): {e.Message}");
        }
    }

    /// <summary>Throws 400 when the configuration is not of the type.</summary>
    public static void RequireType(JsonObject config, FieldType type)
    {
        if (TypedTree.Problems(config, type) is { Count: > 0 } problems)
        {
            throw ApiException.BadRequest($"failed to create typed patch object ({Name(config)}): {(problems is [var only] ? only : "errors:\n  " + string.Join("\n  ", problems))}");
        }
    }

    /// <summary>Applies by force what the annotation of <c>kubectl apply</c> makes no conflict; throws when one is left.</summary>
    private static ApplyOutcome TakeOver(JsonObject live, JsonObject config, List<ManagedEntry> entries, FieldOperation by, IReadOnlyList<FieldConflict> conflicts)
    {
        var agreed = by.Manager == LastApplied.Manager ? LastApplied.AgreedFields(live, by) : FieldSet.Empty;
        var left = conflicts.Where(c => !agreed.Has([.. c.Path])).ToList();
        return left.Count == 0 ? FieldUpdater.Apply(live, config, entries, by, force: true) : throw FieldConflict.ToException(left);
    }

    private static List<ManagedEntry> Base(JsonNode? former, JsonNode? sent, bool isSubresource)
    {
        if (isSubresource)
        {
            return Readable(former);
        }
        if (ManagedFields.IsReset(sent))
        {
            return [];
        }
        return Readable(sent) is { Count: > 0 } entries ? entries : Readable(former);
    }

    private static List<ManagedEntry> Readable(JsonNode? list)
    {
        try
        {
            return ManagedFields.Decode(list);
        }
        catch (FormatException)
        {
            return [];
        }
    }

    private static JsonObject Bare(JsonObject tree)
    {
        if (tree["metadata"]?["managedFields"] is null)
        {
            return tree;
        }
        tree = tree.DeepClone().AsObject();
        tree["metadata"]!.AsObject().Remove("managedFields");
        return tree;
    }

    private static string Name(JsonObject tree)
    {
        var version = Text(tree["apiVersion"]);
        return $"{Text(tree["metadata"]?["namespace"])}/{Text(tree["metadata"]?["name"])}; {(version.Contains('/', StringComparison.Ordinal) ? version : "/" + version)}, Kind={Text(tree["kind"])}";
    }

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
