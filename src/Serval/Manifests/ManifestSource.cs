using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.Manifests;

/// <summary>Reads the objects behind <c>-f</c>: files, <c>-</c> for standard input, and directories of YAML and JSON files.</summary>
internal static class ManifestSource
{
    /// <summary>Far above what an API server takes of one object.</summary>
    private const long MaxBytes = 64 << 20;

    private static readonly string[] s_extensions = [".yaml", ".yml", ".json"];

    public static async Task<IReadOnlyList<ManifestDocument>> ReadAsync(IEnumerable<string> names, TextReader input, CancellationToken ct)
    {
        var documents = new List<ManifestDocument>();
        foreach (var name in names)
        {
            if (name == "-")
            {
                documents.AddRange(Parse(await input.ReadToEndAsync(ct), "standard input"));
                continue;
            }
            foreach (var file in Files(name))
            {
                if (new FileInfo(file).Length > MaxBytes)
                {
                    throw new CliException(ExitCodes.Usage, $"{file} is larger than {MaxBytes >> 20} MB; split it");
                }
                documents.AddRange(Parse(await File.ReadAllTextAsync(file, ct), file));
            }
        }
        return documents.Count > 0
            ? documents
            : throw new CliException(ExitCodes.Usage, $"no objects found in {string.Join(", ", names)}; name a YAML or JSON file with at least one object");
    }

    /// <summary>The objects of one text; lists are taken apart.</summary>
    public static IReadOnlyList<ManifestDocument> Parse(string text, string source)
    {
        var documents = new List<ManifestDocument>();
        foreach (var node in Nodes(text, source))
        {
            if (node is not JsonObject tree)
            {
                throw new CliException(ExitCodes.Usage, $"{source}: expected objects with apiVersion and kind, found {node.GetValueKind()}");
            }
            if (tree["items"] is JsonArray items && tree["kind"]?.ToString().EndsWith("List", StringComparison.Ordinal) == true)
            {
                documents.AddRange(items.OfType<JsonObject>().Select(i => new ManifestDocument((JsonObject)i.DeepClone(), source).Check()));
                continue;
            }
            documents.Add(new ManifestDocument(tree, source).Check());
        }
        return documents;
    }

    /// <summary>The documents of one text.</summary>
    public static IReadOnlyList<JsonNode> Nodes(string text, string source)
    {
        try
        {
            if (text.AsSpan().TrimStart().StartsWith("{"))
            {
                try
                {
                    return [JsonNode.Parse(text, documentOptions: CanonicalJson.Reader with { AllowDuplicateProperties = false })!];
                }
                catch (JsonException)
                {
                    // Several JSON documents, or YAML in flow style: the YAML reader knows both and names the place of an error.
                }
            }
            using var reader = new StringReader(text);
            return YamlReader.ReadAll(reader);
        }
        catch (YamlException e)
        {
            throw new CliException(ExitCodes.Usage, $"{source}:{e.Start.Line}:{e.Start.Column}: {e.Message.TrimEnd('.')}; correct the file", e);
        }
    }

    private static IEnumerable<string> Files(string name)
    {
        if (File.Exists(name))
        {
            return [name];
        }
        if (!Directory.Exists(name))
        {
            throw new CliException(ExitCodes.Usage, $"{name} does not exist; name a file, a directory, or - for standard input");
        }
        return Directory.EnumerateFiles(name).Where(f => s_extensions.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal);
    }
}
