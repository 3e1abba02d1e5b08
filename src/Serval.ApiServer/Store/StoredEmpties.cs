using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Schema;
using Serval.ApiServer.Apply;
using Serval.ApiServer.Pipeline;
using Serval.Kube;

namespace Serval.ApiServer.Store;

/// <summary>
/// The step to objects without empty values that Go leaves out (<see cref="EmptyFields"/>): earlier versions kept them. Without it the first write of such an object
/// would change what is wanted of it, and its pods would start again. Versions and generations stay; nobody owns any longer what is gone.
/// </summary>
internal static class StoredEmpties
{
    private static readonly FieldTracking s_fields = new(KindRegistry.BuiltIn, TimeProvider.System);

    /// <summary>Rewrites the objects of built-in kinds that have any. One that cannot be read stays: who loads it says so.</summary>
    public static void Remove(SqliteDatabase database)
    {
        var kinds = KindRegistry.BuiltIn.Resources.Where(k => k.ViewOf is null).ToDictionary(k => k.ResourceName, StringComparer.Ordinal);
        var present = new List<(long Version, ResourceKind Kind)>();
        using (var query = database.Prepare("SELECT o.rv, k.name FROM objects o JOIN kinds k ON k.id = o.kind"))
        {
            while (query.Next())
            {
                if (kinds.TryGetValue(query.Text(1), out var kind))
                {
                    present.Add((query.Number(0), kind));
                }
            }
        }
        using var read = database.Prepare("SELECT body FROM changes WHERE rv = ?1");
        using var write = database.Prepare("UPDATE changes SET body = ?2 WHERE rv = ?1");
        foreach (var (version, kind) in present)
        {
            read.Bind(1, version);
            var changed = read.Next() ? Without(kind, read.Blob(0)) : null;
            read.Reset();
            if (changed is not null)
            {
                write.Bind(1, version).Bind(2, changed).Run();
            }
        }
    }

    /// <summary>The object without them; null when it has none, or is no object.</summary>
    internal static byte[]? Without(ResourceKind kind, byte[] body)
    {
        try
        {
            if (CanonicalJson.Parse(body) is not JsonObject before || before.DeepClone() is not JsonObject after || !EmptyFields.Remove(kind, after))
            {
                return null;
            }
            if (before["metadata"]?["managedFields"] is not null)
            {
                LetGo(kind, before, after);
            }
            return CanonicalJson.Serialize(after);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Takes what is gone from those who own it. Who applied an empty value owns it all the same, here as upstream.</summary>
    private static void LetGo(ResourceKind kind, JsonObject before, JsonObject after)
    {
        var metadata = after["metadata"]!.AsObject();
        var by = s_fields.By(kind, new WriteOptions());
        var (was, now) = (before.DeepClone().AsObject(), after.DeepClone().AsObject());
        was["metadata"]!.AsObject().Remove("managedFields");
        now["metadata"]!.AsObject().Remove("managedFields");
        try
        {
            var entries = ManagedFields.Decode(metadata["managedFields"])
                .Select(e => e.IsApply || by.TypeOf(e.ApiVersion) is not { } type ? e : e with { Fields = e.Fields.Except(TypedTree.Compare(was, now, type).Removed) })
                .Where(e => !e.Fields.IsEmpty);
            FieldTracking.Set(metadata, ManagedFields.Encode([.. entries]));
        }
        catch (FormatException)
        {
            // entries, or a list, that nobody can read: the next writer sees to it
        }
    }
}
