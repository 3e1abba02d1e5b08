using System.Collections.Concurrent;

namespace Serval.Api.Schema;

/// <summary>The schema of a served kind.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Type">Its type, with <c>apiVersion</c>, <c>kind</c> and <c>metadata</c>.</param>
public sealed record KindSchema(ResourceKind Kind, TypeSchema Type);

/// <summary>The schemas of every served kind, read on demand from the field table that this assembly carries.</summary>
public static class Schemas
{
    private const string Prefix = "Serval.Api.Schema.Table.";
    private const string Ending = ".fields";

    private static readonly Lazy<Dictionary<string, FieldTable>> s_files = new(Load);
    private static readonly ConcurrentDictionary<string, TypeSchema> s_types = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<ResourceKind, KindSchema> s_kinds = new();
    private static readonly ConcurrentDictionary<string, string> s_strings = new(StringComparer.Ordinal);

    /// <summary>The schema of a kind. Throws when the field table does not describe it.</summary>
    public static KindSchema For(ResourceKind kind) => s_kinds.GetOrAdd(kind, static k => new KindSchema(k, Find(k.ApiVersion, k.Kind)
        ?? throw new InvalidOperationException($"the field table does not describe {k.ApiVersion} {k.Kind}: add it to src/Serval.Api/Schema/Table")));

    /// <summary>The type of a kind that may not be served itself, for example <c>autoscaling/v1</c> <c>Scale</c> or <c>v1</c> <c>DeleteOptions</c>; null when unknown.</summary>
    public static TypeSchema? Find(string apiVersion, string kind)
    {
        foreach (var (file, table) in s_files.Value)
        {
            if (table.ApiVersion == apiVersion && table.Has(kind))
            {
                return Resolve($"{file}.{kind}");
            }
        }
        return s_files.Value["meta"].Has(kind) ? Resolve("meta." + kind) : null;
    }

    /// <summary><c>metadata</c> of every object.</summary>
    public static TypeSchema ObjectMeta => Resolve("meta.ObjectMeta");

    /// <summary>A type by file and name (<c>core.PodSpec</c>). Throws when there is none.</summary>
    internal static TypeSchema Resolve(string qualified) => s_types.GetOrAdd(qualified, static name =>
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return s_files.Value.TryGetValue(name[..dot], out var table) && table.Has(name[(dot + 1)..])
            ? table.Read(name[(dot + 1)..])
            : throw new InvalidOperationException($"the field table refers to {name}, which it does not describe");
    });

    /// <summary>Every type of the table (<c>file.Type</c>).</summary>
    internal static IEnumerable<string> AllTypes => s_files.Value.SelectMany(f => f.Value.TypeNames.Select(t => $"{f.Key}.{t}"));

    /// <summary>One instance of a name that many types share.</summary>
    internal static string Pool(string text) => s_strings.GetOrAdd(text, text);

    private static Dictionary<string, FieldTable> Load()
    {
        var assembly = typeof(Schemas).Assembly;
        var files = new Dictionary<string, FieldTable>(StringComparer.Ordinal);
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            if (resource.StartsWith(Prefix, StringComparison.Ordinal) && resource.EndsWith(Ending, StringComparison.Ordinal))
            {
                using var stream = assembly.GetManifestResourceStream(resource)!;
                var utf8 = new byte[stream.Length];
                stream.ReadExactly(utf8);
                var file = resource[Prefix.Length..^Ending.Length];
                files.Add(file, new FieldTable(file, utf8));
            }
        }
        return files;
    }
}
