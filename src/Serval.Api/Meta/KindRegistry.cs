using Serval.Api.Crds;

namespace Serval.Api;

/// <summary>
/// The built-in kinds and the custom ones of one server. A kind, once known, is the same instance for the life of the registry; what may change
/// of it is its <see cref="ResourceKind.Shape"/>.
/// </summary>
public sealed class KindRegistry : IKindSource
{
    private readonly Lock _writing = new();
    private readonly Dictionary<(string Resource, string Version, string Kind, bool Namespaced), ResourceKind> _known = []; // guarded by _writing
    private volatile Snapshot _now = Snapshot.Empty;

    /// <summary>The built-in kinds alone.</summary>
    public static IKindSource BuiltIn { get; } = new KindRegistry();

    public event Action<string>? Changed;

    public long Version => _now.Version;

    public IReadOnlyList<ResourceKind> All => _now.All;

    public IReadOnlyList<ResourceKind> Resources => _now.Resources;

    public ResourceKind? Find(string apiVersion, string kind) => Kinds.Find(apiVersion, kind) ?? _now.ByKind?.GetValueOrDefault((apiVersion, kind));

    public ResourceKind? FindFormer(string apiVersion, string kind) => Kinds.Find(apiVersion, kind) ?? _now.Former?.GetValueOrDefault((apiVersion, kind));

    public ResourceKind? FindPlural(string group, string version, string plural) =>
        Kinds.FindPlural(group, version, plural) ?? _now.ByPlural?.GetValueOrDefault((group, version, plural));

    /// <summary>The custom resource of a name (<c>plural.group</c>), or null.</summary>
    public CustomResource? FindCustom(string name) => _now.Custom.GetValueOrDefault(name);

    /// <summary>Adds a custom resource, or exchanges what was said of it.</summary>
    public void Set(CustomResource resource)
    {
        lock (_writing)
        {
            _now = Next(new Dictionary<string, CustomResource>(_now.Custom) { [resource.Name] = resource });
        }
        Changed?.Invoke(resource.Name);
    }

    /// <summary>Takes a custom resource away; its kinds stay known as former ones.</summary>
    public void Remove(string name)
    {
        lock (_writing)
        {
            var custom = new Dictionary<string, CustomResource>(_now.Custom);
            if (!custom.Remove(name))
            {
                return;
            }
            _now = Next(custom);
        }
        Changed?.Invoke(name);
    }

    private Snapshot Next(Dictionary<string, CustomResource> custom)
    {
        var kinds = custom.Values.OrderBy(r => r.Group, StringComparer.Ordinal).ThenBy(r => r.Plural, StringComparer.Ordinal).SelectMany(Shaped).ToList();
        return new Snapshot(_now.Version + 1, custom, kinds, _known.Values);
    }

    /// <summary>The kinds of a resource, each with its shape of now.</summary>
    private List<(ResourceKind Kind, bool Served)> Shaped(CustomResource resource)
    {
        var stored = Instance(resource, resource.Versions.Single(v => v.Stored));
        var result = new List<(ResourceKind, bool)>();
        foreach (var version in resource.Versions)
        {
            var kind = Instance(resource, version);
            kind.Shape = version.Shape with
            {
                StoredAs = stored, Form = new CustomForm(kind.ApiVersion, stored.ApiVersion, version.Shape), IsTerminating = resource.IsTerminating,
            };
            result.Add((kind, version.Served));
        }
        return result;
    }

    private ResourceKind Instance(CustomResource resource, CustomVersion version)
    {
        var key = (resource.Name, version.Name, resource.Kind, resource.Namespaced);
        if (!_known.TryGetValue(key, out var kind))
        {
            kind = new ResourceKind
            {
                Group = resource.Group, Version = version.Name, Kind = resource.Kind, Plural = resource.Plural, Namespaced = resource.Namespaced, IsCustom = true,
            };
            _known.Add(key, kind);
        }
        return kind;
    }

    /// <summary>Everything at one moment; swapped whole.</summary>
    private sealed class Snapshot
    {
        public static readonly Snapshot Empty = new(0, [], [], []);

        public Snapshot(long version, Dictionary<string, CustomResource> custom, List<(ResourceKind Kind, bool Served)> kinds, IReadOnlyCollection<ResourceKind> known)
        {
            (Version, Custom) = (version, custom);
            Resources = [.. Kinds.All.Concat(kinds.Select(k => k.Kind)).Where(k => k.StoredAs == k)];
            All = Kinds.All;
            if (known.Count == 0)
            {
                return; // most servers have no custom kinds: their dictionaries are not even compiled
            }
            var served = kinds.Where(k => k.Served).Select(k => k.Kind).ToList();
            All = [.. Kinds.All, .. served];
            // Nobody checks the names a definition's status accepts: of two with one name the first counts.
            ByKind = First(served, k => (k.ApiVersion, k.Kind));
            ByPlural = First(served, k => (k.Group, k.Version, k.Plural));
            Former = First([.. served, .. kinds.Select(k => k.Kind), .. known.Reverse()], k => (k.ApiVersion, k.Kind));
        }

        private static Dictionary<TKey, ResourceKind> First<TKey>(List<ResourceKind> kinds, Func<ResourceKind, TKey> key)
            where TKey : notnull => kinds.DistinctBy(key).ToDictionary(key);

        public long Version { get; }

        public Dictionary<string, CustomResource> Custom { get; }

        public IReadOnlyList<ResourceKind> All { get; }

        public IReadOnlyList<ResourceKind> Resources { get; }

        public Dictionary<(string ApiVersion, string Kind), ResourceKind>? ByKind { get; }

        public Dictionary<(string Group, string Version, string Plural), ResourceKind>? ByPlural { get; }

        public Dictionary<(string ApiVersion, string Kind), ResourceKind>? Former { get; }
    }
}
