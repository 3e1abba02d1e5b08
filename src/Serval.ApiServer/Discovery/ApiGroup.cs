using Serval.Api;

namespace Serval.ApiServer.Discovery;

/// <summary>A served API group; the core group's name is empty.</summary>
internal sealed class ApiGroup
{
    private readonly ResourceKind[] _kinds;

    private ApiGroup(string name, ResourceKind[] kinds)
    {
        Name = name;
        _kinds = kinds;
        Versions = [.. kinds.Select(k => k.Version).Distinct().Order(KubeVersionOrder.Instance)];
    }

    /// <summary>
    /// The groups of some kinds; the order decides which kind an ambiguous name means to clients. Those that upstream serves from definitions come last,
    /// by name (kube-aggregator: APIServices of one priority).
    /// </summary>
    public static IReadOnlyList<ApiGroup> Of(IEnumerable<ResourceKind> kinds) =>
        [.. kinds.GroupBy(k => k.Group).OrderBy(g => g.All(k => k.IsCustom) ? g.Key : "", StringComparer.Ordinal).Select(g => new ApiGroup(g.Key, [.. g]))];

    public string Name { get; }

    /// <summary>The preferred one first.</summary>
    public IReadOnlyList<string> Versions { get; }

    public string GroupVersion(string version) => Name.Length == 0 ? version : $"{Name}/{version}";

    /// <summary>Path below which its objects are: <c>api/v1</c> or <c>apis/group/version</c>.</summary>
    public string Path(string version) => Name.Length == 0 ? $"api/{version}" : $"apis/{Name}/{version}";

    public IEnumerable<ResourceKind> Kinds(string version) => _kinds.Where(k => k.Version == version);
}
