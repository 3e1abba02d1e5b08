using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Serval.Api.Schema;

namespace Serval.Api.Crds;

/// <summary>
/// The definitions of Serval's own custom kinds. They are objects like others, so that whoever looks for them finds them; but their kinds are
/// built in, so that their spec is the program's and they cannot be deleted (docs/decisions/0014).
/// </summary>
public static class OwnDefinitions
{
    /// <summary>All of them, to be created.</summary>
    public static IEnumerable<KubeObject> All => Kinds.All.Where(k => k.IsCustom).Select(CrdGenerator.Outline);

    /// <summary>The built-in kind that a definition of this name defines, or null.</summary>
    public static ResourceKind? Find(string name) => Kinds.All.FirstOrDefault(k => k.IsCustom && k.ResourceName == name);

    /// <summary>What a new one is stored with: nothing is left to be decided.</summary>
    public static void Complete(ResourceKind kind, JsonObject tree, DateTimeOffset now)
    {
        tree.Remove("spec");
        tree["status"] = CrdGenerator.Status(kind, now);
    }
}

/// <summary>Serval's own definitions are kept without their spec, which is large and can be made again, as this version of the program has it.</summary>
internal sealed class DefinitionForm : IStoredForm
{
    private readonly ConditionalWeakTable<KubeObject, WeakReference<KubeObject>> _shown = [];

    public KubeObject Read(KubeObject stored)
    {
        if (OwnDefinitions.Find(stored.Metadata.Name) is not { } kind)
        {
            return stored;
        }
        if (_shown.TryGetValue(stored, out var kept) && kept.TryGetTarget(out var shown))
        {
            return shown;
        }
        shown = stored.WithMember("spec", CanonicalJson.Serialize(CrdGenerator.Spec(kind)));
        _shown.AddOrUpdate(stored, new WeakReference<KubeObject>(shown));
        return shown;
    }

    public KubeObject Write(KubeObject shown) =>
        OwnDefinitions.Find(shown.Metadata.Name) is null || shown.Member("spec").IsEmpty ? shown : shown.With(static tree => tree.Remove("spec"));
}
