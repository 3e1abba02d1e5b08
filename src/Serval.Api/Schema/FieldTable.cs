using System.Text;

namespace Serval.Api.Schema;

/// <summary>
/// One file of the field table (<c>Table/*.fields</c>): the types of one package. A line <c>@kind Name</c> or <c>@type Name</c>, with
/// <c>atomic</c> where apply replaces the whole, opens a type; <c>+ Other</c> inlines one; every other line is a field:
/// <c>name shape flags | doc</c>. Shapes: scalars as in <see cref="ValueKind"/>, <c>[]shape</c>, <c>map&lt;shape&gt;</c>, a type (<c>file.Type</c> when it
/// is in another file). Flags: <c>req</c>, <c>imm</c>, <c>atomic</c>, <c>set</c>, <c>map(keys)</c>, <c>merge</c>, <c>merge(key)</c>, <c>mergeRetain(key)</c>,
/// <c>retain</c>, <c>=default</c>; of upstream's types, <c>ptr</c> for a scalar behind a pointer and <c>always</c> for a tag without
/// <c>omitempty</c>. Types are read when they are first asked for.
/// </summary>
internal sealed class FieldTable
{
    private readonly byte[] _utf8;
    private readonly Dictionary<string, Extent> _types = new(StringComparer.Ordinal);

    public FieldTable(string file, byte[] utf8)
    {
        File = file;
        _utf8 = utf8;
        var header = Text(Line(0)).Split(' ');
        if (header is not ["@package", _, _])
        {
            throw new InvalidOperationException($"field table {file}: the first line must be '@package NAME API-VERSION'");
        }
        Package = header[1];
        ApiVersion = header[2];
        IsBuiltIn = Package.StartsWith("io.k8s.", StringComparison.Ordinal);
        IndexTypes();
    }

    /// <summary>Where a type's lines are. A class, because code of a dictionary of classes is precompiled in the framework.</summary>
    private sealed record Extent(int Start, int End);

    /// <summary>File name without ending; prefix of references from other files.</summary>
    public string File { get; }

    public string Package { get; }

    public string ApiVersion { get; }

    /// <summary>Whether Kubernetes' own types are described, which its API server reads into structs of Go.</summary>
    public bool IsBuiltIn { get; }

    public IReadOnlyCollection<string> TypeNames => _types.Keys;

    public bool Has(string type) => _types.ContainsKey(type);

    public string Text(Range range) => Encoding.UTF8.GetString(_utf8, range.Start.Value, range.End.Value - range.Start.Value);

    /// <summary>Reads a type. Throws when the table is wrong, which a test would have shown.</summary>
    public TypeSchema Read(string type)
    {
        var (start, end) = _types[type];
        var heading = Line(start);
        var words = Split(heading, out var doc);
        var isKind = words[0] == "@kind";
        var fields = new List<FieldSchema>();
        var inlined = new Dictionary<string, string>(StringComparer.Ordinal);
        if (isKind)
        {
            fields.Add(new FieldSchema(this, "apiVersion", Scalar(ValueKind.String), default));
            fields.Add(new FieldSchema(this, "kind", Scalar(ValueKind.String), default));
        }
        for (var at = heading.End.Value + 1; at < end;)
        {
            var line = Line(at);
            at = line.End.Value + 1;
            if (line.Start.Value < line.End.Value)
            {
                ReadLine(type, line, fields, inlined);
            }
        }
        return new TypeSchema(this, type, isKind, words is [_, _, "atomic"], doc, [.. fields], inlined);
    }

    private void ReadLine(string type, Range line, List<FieldSchema> fields, Dictionary<string, string> inlined)
    {
        var words = Split(line, out var doc);
        if (words[0] == "+")
        {
            var other = Schemas.Resolve(Qualified(words[1]));
            fields.AddRange(other.Fields);
            foreach (var inner in other.Fields)
            {
                inlined[inner.Name] = other.Name;
            }
            return;
        }
        var field = new FieldSchema(this, Schemas.Pool(words[0]), Shape(words[1]), doc);
        foreach (var flag in words.AsSpan(2))
        {
            Apply(type, field, flag);
        }
        field.Settle();
        fields.Add(field);
    }

    private ValueSchema Shape(string text)
    {
        if (text.StartsWith("[]", StringComparison.Ordinal))
        {
            return new ValueSchema(ValueKind.List, Shape(text[2..]));
        }
        if (text.StartsWith("map<", StringComparison.Ordinal))
        {
            return new ValueSchema(ValueKind.Map, Shape(text[4..^1]));
        }
        return text switch
        {
            "string" => Scalar(ValueKind.String),
            "int32" => Scalar(ValueKind.Int32),
            "int64" => Scalar(ValueKind.Int64),
            "number" => Scalar(ValueKind.Number),
            "bool" => Scalar(ValueKind.Boolean),
            "quantity" => Scalar(ValueKind.Quantity),
            "intorstring" => Scalar(ValueKind.IntOrString),
            "time" => Scalar(ValueKind.Time),
            "microtime" => Scalar(ValueKind.MicroTime),
            "bytes" => Scalar(ValueKind.Bytes),
            "any" => Scalar(ValueKind.Any),
            _ => new ValueSchema(Qualified(text)),
        };
    }

    private void Apply(string type, FieldSchema field, string flag)
    {
        var open = flag.IndexOf('(', StringComparison.Ordinal);
        var name = open < 0 ? flag : flag[..open];
        var argument = open < 0 || name == "enum" ? null : Schemas.Pool(flag[(open + 1)..^1]);
        switch (name)
        {
            case "req":
                field.Required = true;
                break;
            case "imm":
                field.Immutable = true;
                break;
            case "atomic" when field.Value.Kind is ValueKind.Map or ValueKind.Object:
                field.AtomicMap = true;
                break;
            case "atomic":
                field.HasListKind = true;
                break;
            case "granular":
                field.GranularMap = true;
                break;
            case "ptr":
                field.IsPointer = true;
                break;
            case "always":
                field.IsAlways = true;
                break;
            case "enum" when open > 0:
                field.Enum = flag[(open + 1)..^1];
                break;
            case "set":
                (field.HasListKind, field.ListKind) = (true, ListKind.Set);
                break;
            case "map" when argument is not null:
                (field.HasListKind, field.ListKind, field.ListMapKeys) = (true, ListKind.Map, [.. argument.Split(',').Select(Schemas.Pool)]);
                break;
            case "merge":
                (field.PatchStrategy, field.PatchMergeKey) = (PatchStrategy.Merge, argument);
                break;
            case "mergeRetain":
                (field.PatchStrategy, field.PatchMergeKey) = (PatchStrategy.Merge | PatchStrategy.RetainKeys, argument);
                break;
            case "retain":
                field.PatchStrategy = PatchStrategy.RetainKeys;
                break;
            case "replace":
                field.PatchStrategy = PatchStrategy.Whole;
                break;
            case var word when word.StartsWith('='):
                field.Default = word[1..];
                break;
            default:
                throw new InvalidOperationException($"field table {File}: {type}.{field.Name} has the unknown flag '{flag}'");
        }
    }

    private string Qualified(string type) => type.Contains('.', StringComparison.Ordinal) ? type : $"{File}.{type}";

    private static ValueSchema Scalar(ValueKind kind) => s_scalars[(int)kind] ??= new ValueSchema(kind);

    private static readonly ValueSchema?[] s_scalars = new ValueSchema?[(int)ValueKind.Object];

    private void IndexTypes()
    {
        string? open = null;
        var start = 0;
        for (var at = 0; at < _utf8.Length;)
        {
            var line = Line(at);
            if (_utf8[at] == '@' && at > 0)
            {
                Close(at);
                open = Split(line, out _)[1];
                start = at;
            }
            at = line.End.Value + 1;
        }
        Close(_utf8.Length);

        void Close(int end)
        {
            if (open is not null && !_types.TryAdd(open, new Extent(start, end)))
            {
                throw new InvalidOperationException($"field table {File}: type {open} is there twice");
            }
        }
    }

    private Range Line(int start)
    {
        var length = _utf8.AsSpan(start).IndexOf((byte)'\n');
        return new Range(start, length < 0 ? _utf8.Length : start + length);
    }

    private string[] Split(Range line, out Range doc)
    {
        var start = line.Start.Value;
        var length = line.End.Value - start;
        var bar = _utf8.AsSpan(start, length).IndexOf((byte)'|');
        doc = bar < 0 ? default : new Range(start + bar + 2, start + length);
        return Text(new Range(start, bar < 0 ? start + length : start + bar)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }
}
