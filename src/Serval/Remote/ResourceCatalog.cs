using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>Which kind a word of the command line, or an object of a manifest, means. Asks the server only about kinds Serval does not know itself.</summary>
internal sealed class ResourceCatalog(RemoteClient client)
{
    private List<ResourceKind>? _served;

    /// <summary>The kinds of a word: a name in any of its forms, a category, or several separated by commas.</summary>
    public async Task<IReadOnlyList<ResourceKind>> FindAsync(string words, CancellationToken ct)
    {
        var found = new List<ResourceKind>();
        foreach (var word in words.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var matches = Match(Kinds.All.Where(k => k.ViewOf is null), word);
            if (matches.Count == 0)
            {
                matches = Match(await ServedAsync(ct), word);
            }
            found.AddRange(matches.Count > 0 ? matches : throw Unknown(word));
        }
        return found.Count > 0 ? [.. found.Distinct()] : throw Unknown(words);
    }

    /// <summary>The kind of an object.</summary>
    public async Task<ResourceKind> FindAsync(string apiVersion, string kind, string source, CancellationToken ct) =>
        Kinds.Find(apiVersion, kind)
        ?? (await ServedAsync(ct)).Find(k => k.ApiVersion == apiVersion && k.Kind == kind)
        ?? throw new CliException(ExitCodes.Usage, $"{source}: the server does not know the kind {kind} in {apiVersion}; check both, or install its definition first");

    internal static IReadOnlyList<ResourceKind> Match(IEnumerable<ResourceKind> kinds, string word)
    {
        var lower = word.ToLowerInvariant();
        var all = kinds as IReadOnlyCollection<ResourceKind> ?? [.. kinds];
        if (all.FirstOrDefault(k => Names(k).Contains(lower)) is { } one)
        {
            return [one];
        }
        return [.. all.Where(k => k.Categories.Contains(lower))];
    }

    private static IEnumerable<string> Names(ResourceKind kind) =>
        [kind.Plural, kind.Singular, .. kind.ShortNames, $"{kind.Plural}.{kind.Group}", $"{kind.Singular}.{kind.Group}", $"{kind.Plural}.{kind.Version}.{kind.Group}"];

    private static CliException Unknown(string word) =>
        new(ExitCodes.Usage, $"there is no kind \"{word}\"; use one such as ksvc, revision, route, pod, deployment, configmap");

    private async Task<List<ResourceKind>> ServedAsync(CancellationToken ct)
    {
        if (_served is not null)
        {
            return _served;
        }
        var kinds = new List<ResourceKind>();
        foreach (var (group, version) in await GroupVersionsAsync(ct))
        {
            var path = group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}";
            kinds.AddRange(List(await client.FindAsync(path, ct) ?? [], "resources").Where(r => !Text(r, "name").Contains('/', StringComparison.Ordinal)).Select(r => new ResourceKind
            {
                Group = group, Version = version, Kind = Text(r, "kind"), Plural = Text(r, "name"), Namespaced = (bool?)r["namespaced"] ?? true,
                ShortNames = Strings(r, "shortNames"), Categories = Strings(r, "categories"),
            }));
        }
        return _served = kinds;
    }

    private async Task<IEnumerable<(string Group, string Version)>> GroupVersionsAsync(CancellationToken ct)
    {
        var core = Strings(await client.GetAsync("/api", ct), "versions").Select(v => ("", v));
        var groups = List(await client.GetAsync("/apis", ct), "groups");
        return [.. core, .. groups.SelectMany(g => List(g, "versions").Select(v => (Text(g, "name"), Text(v, "version"))))];
    }

    private static IEnumerable<JsonObject> List(JsonObject map, string field) => (map[field] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static string[] Strings(JsonObject map, string field) => [.. (map[field] as JsonArray)?.Select(v => (string?)v ?? "") ?? []];

    private static string Text(JsonObject map, string field) => (string?)map[field] ?? "";
}
