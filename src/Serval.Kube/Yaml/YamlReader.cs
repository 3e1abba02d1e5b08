using System.Text.Json.Nodes;
using Serval.Api;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Serval.Kube.Yaml;

/// <summary>
/// YAML documents as JSON trees. Quoted scalars stay strings; anchors, aliases and merge keys work. What aliases make of a document counts: so many
/// nodes, and so many characters.
/// </summary>
public sealed class YamlReader
{
    private const int MaxDepth = 128;
    private readonly Scanner _scanner;
    private readonly Parser _parser;
    private readonly int _maxNodes;
    private readonly int _maxAliased;
    private readonly Action<string>? _duplicate;
    private readonly Dictionary<string, JsonNode?> _anchors = new(StringComparer.Ordinal);
    private int _nodes;
    private long _aliased;
    private bool _inMapping;

    private YamlReader(TextReader text, int maxNodes, int maxAliased, Action<string>? duplicate)
    {
        _scanner = new Scanner(text);
        (_parser, _maxNodes, _maxAliased, _duplicate) = (new Parser(_scanner), maxNodes, maxAliased, duplicate);
    }

    /// <summary>All documents that are not empty.</summary>
    /// <param name="text">The documents.</param>
    /// <param name="maxNodes">Most maps, lists and scalars of all documents, aliases counted as what they stand for.</param>
    /// <param name="maxAliased">Most characters, of scalars and keys, that aliases may add to what is written out.</param>
    /// <param name="duplicate">Hears of a key that is there twice, of which the last counts; without it that is an error.</param>
    /// <exception cref="YamlException">The text is not YAML, or holds what JSON cannot.</exception>
    public static IReadOnlyList<JsonNode> ReadAll(
        TextReader text, int maxNodes = 1_000_000, int maxAliased = 64 * 1024 * 1024, Action<string>? duplicate = null) =>
        new YamlReader(text, maxNodes, maxAliased, duplicate).Whole();

    private List<JsonNode> Whole()
    {
        try
        {
            return Documents();
        }
        catch (InvalidOperationException)
        {
            // The parser's own: it is lost where a flow collection is not closed and a mapping follows.
            var at = _scanner.CurrentPosition;
            throw new SemanticErrorException(at, at, $"While parsing a flow collection, did not find expected ',' or '{(_inMapping ? '}' : ']')}'.");
        }
    }

    private List<JsonNode> Documents()
    {
        var documents = new List<JsonNode>();
        _parser.Consume<StreamStart>();
        while (_parser.TryConsume<DocumentStart>(out _))
        {
            _anchors.Clear();
            if (Read(0) is { } node)
            {
                documents.Add(node);
            }
            _parser.Consume<DocumentEnd>();
        }
        return documents;
    }

    private JsonNode? Read(int depth)
    {
        if (depth > MaxDepth || ++_nodes > _maxNodes)
        {
            throw Error(_parser.Current!, "the document is nested too deeply or too large");
        }
        switch (_parser.Current)
        {
            case AnchorAlias:
                return Alias(_parser.Consume<AnchorAlias>());
            case Scalar:
                var scalar = _parser.Consume<Scalar>();
                return Remember(scalar, Value(scalar));
            case SequenceStart:
                return Sequence(depth);
            case MappingStart:
                return Mapping(depth);
            default:
                throw Error(_parser.Current!, $"unexpected {_parser.Current}");
        }
    }

    private JsonArray Sequence(int depth)
    {
        _inMapping = false;
        var start = _parser.Consume<SequenceStart>();
        var list = new JsonArray();
        while (!End<SequenceEnd>(inMapping: false))
        {
            list.Add(Read(depth + 1));
        }
        Remember(start, list);
        return list;
    }

    private JsonObject Mapping(int depth)
    {
        _inMapping = true;
        var start = _parser.Consume<MappingStart>();
        var map = new JsonObject();
        var merged = new List<JsonObject>();
        while (!End<MappingEnd>(inMapping: true))
        {
            if (_parser.Current is not Scalar)
            {
                throw Error(_parser.Current!, "a key must be a scalar");
            }
            var key = _parser.Consume<Scalar>();
            var value = Read(depth + 1);
            if (key is { Value: "<<", Style: ScalarStyle.Plain })
            {
                merged.AddRange(value switch
                {
                    JsonObject one => [one],
                    JsonArray many when many.All(m => m is JsonObject) => many.Cast<JsonObject>(),
                    _ => throw Error(key, "\"<<\" merges mappings only"),
                });
            }
            else
            {
                Add(map, key, value);
            }
        }
        foreach (var (name, value) in merged.SelectMany(m => m))
        {
            if (!map.ContainsKey(name))
            {
                map[name] = value?.DeepClone();
            }
        }
        Remember(start, map);
        return map;
    }

    private bool End<T>(bool inMapping)
        where T : ParsingEvent
    {
        _inMapping = inMapping;
        return _parser.TryConsume<T>(out _);
    }

    private void Add(JsonObject map, Scalar key, JsonNode? value)
    {
        var name = Value(key) is { } node ? node.ToString() : throw Error(key, "a key must not be null; quote it");
        if (map.TryAdd(name, value))
        {
            return;
        }
        if (_duplicate is null)
        {
            throw Error(key, $"the key \"{name}\" is there twice");
        }
        _duplicate($"line {key.Start.Line}: key \"{TextLimit.First(name, TextLimit.PathStep)}\" already set in map");
        map[name] = value;
    }

    private JsonNode? Alias(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node))
        {
            throw new AnchorNotFoundException(alias.Start, alias.End, $"unknown anchor '{alias.Value.Value}' referenced");
        }
        Count(node);
        return _nodes > _maxNodes || _aliased > _maxAliased ? throw new ExcessiveAliasException(alias.Start, alias.End) : node?.DeepClone();
    }

    private JsonNode? Remember(NodeEvent source, JsonNode? node)
    {
        if (!source.Anchor.IsEmpty)
        {
            _anchors[source.Anchor.Value] = node; // an alias takes a copy
        }
        return node;
    }

    private static JsonNode? Value(Scalar scalar)
    {
        var tag = scalar.Tag.IsEmpty || scalar.Tag.IsNonSpecific ? "" : scalar.Tag.Value;
        if (tag is "tag:yaml.org,2002:str" or "tag:yaml.org,2002:binary" || (tag.Length == 0 && scalar.Style != ScalarStyle.Plain))
        {
            return JsonValue.Create(scalar.Value);
        }
        if (tag.Length > 0 && !tag.StartsWith("tag:yaml.org,2002:", StringComparison.Ordinal))
        {
            throw Error(scalar, $"the tag {tag} is not known; remove it");
        }
        try
        {
            return YamlScalars.Resolve(scalar.Value);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw Error(scalar, e.Message);
        }
    }

    private void Count(JsonNode? node)
    {
        _nodes++;
        switch (node)
        {
            case JsonObject map:
                foreach (var (key, value) in map)
                {
                    _aliased += key.Length;
                    Count(value);
                }
                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    Count(item);
                }
                break;
            case JsonValue value when value.TryGetValue<string>(out var text):
                _aliased += text.Length;
                break;
            default:
                break;
        }
    }

    private static YamlException Error(ParsingEvent at, string message) => new(at.Start, at.End, message);
}
