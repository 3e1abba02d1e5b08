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
        Versions = [.. kinds.Select(k => k.Version).Distinct()];
    }

    /// <summary>All groups; the order decides which kind an ambiguous name means to clients.</summary>
    public static IReadOnlyList<ApiGroup> All { get; } =
        [.. Serval.Api.Kinds.All.GroupBy(k => k.Group).Select(g => new ApiGroup(g.Key, [.. g]))];

    public static ApiGroup Core { get; } = All.First(g => g.Name.Length == 0);

    /// <summary>All but the core group.</summary>
    public static IReadOnlyList<ApiGroup> Named { get; } = [.. All.Where(g => g.Name.Length > 0)];

    public string Name { get; }

    /// <summary>The preferred one first.</summary>
    public IReadOnlyList<string> Versions { get; }

    public static ApiGroup? Find(string name) => All.FirstOrDefault(g => g.Name == name);

    public string GroupVersion(string version) => Name.Length == 0 ? version : $"{Name}/{version}";

    /// <summary>Path below which its objects are: <c>api/v1</c> or <c>apis/group/version</c>.</summary>
    public string Path(string version) => Name.Length == 0 ? $"api/{version}" : $"apis/{Name}/{version}";

    public IEnumerable<ResourceKind> Kinds(string version) => _kinds.Where(k => k.Version == version);
}
