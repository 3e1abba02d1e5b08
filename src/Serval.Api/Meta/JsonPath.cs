using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Serval.Api;

/// <summary>
/// The part of JSONPath that printer columns use (client-go util/jsonpath): fields (<c>.a.b</c>, <c>.a\.b</c>, <c>['a\.b']</c>), indices (negative
/// from the end), <c>[*]</c>, slices (<c>[0:2]</c>), unions (<c>[0,2]</c>) and filters (<c>[?(@.type=='Ready')]</c>, <c>[?(@.type)]</c>).
/// </summary>
public sealed class JsonPath
{
    private const int Longest = 4096; // filters nest

    private readonly Step[] _steps;

    private JsonPath(Step[] steps) => _steps = steps;

    /// <summary>Throws <see cref="FormatException"/> with the place where the path stops making sense.</summary>
    public static JsonPath Parse(string path)
    {
        if (path.Length > Longest)
        {
            throw new FormatException($"JSON path longer than {Longest} characters");
        }
        var text = path.Trim();
        if (text is ['{', .., '}'])
        {
            text = text[1..^1].Trim();
        }
        var reader = new Reader(text.TrimStart('$'));
        return new JsonPath(reader.Steps());
    }

    /// <summary>Null for what <see cref="Parse"/> does not understand.</summary>
    public static JsonPath? TryParse(string path)
    {
        try
        {
            return Parse(path);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The first value the path selects, or an undefined element.</summary>
    public JsonElement First(JsonElement root) => First(root, 0);

    private JsonElement First(JsonElement element, int index)
    {
        if (index == _steps.Length)
        {
            return element;
        }
        foreach (var next in _steps[index].Select(element))
        {
            var found = First(next, index + 1);
            if (found.ValueKind != JsonValueKind.Undefined)
            {
                return found;
            }
        }
        return default;
    }

    private abstract class Step
    {
        public abstract IEnumerable<JsonElement> Select(JsonElement element);
    }

    private sealed class FieldStep(string name) : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element) =>
            element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? [value] : [];
    }

    private sealed class IndexStep(int index) : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element)
        {
            if (element.ValueKind != JsonValueKind.Array)
            {
                return [];
            }
            var length = element.GetArrayLength();
            var at = index < 0 ? length + index : index;
            return at >= 0 && at < length ? [element[at]] : [];
        }
    }

    private sealed class AllStep : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element) => element.ValueKind switch
        {
            JsonValueKind.Array => element.EnumerateArray(),
            JsonValueKind.Object => element.EnumerateObject().Select(p => p.Value),
            _ => [],
        };
    }

    private sealed class SliceStep(int? from, int? to, int step) : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element)
        {
            var length = element.ValueKind == JsonValueKind.Array ? element.GetArrayLength() : 0;
            return element.ValueKind == JsonValueKind.Array
                ? element.EnumerateArray().Take(At(to ?? length, length)).Skip(At(from ?? 0, length)).Where((_, i) => i % step == 0)
                : [];
        }

        private static int At(int index, int length) => Math.Max(index < 0 ? length + index : index, 0);
    }

    private sealed class UnionStep(IEnumerable<Step> steps) : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element) => steps.SelectMany(s => s.Select(element));
    }

    /// <param name="left">What is looked for in an item.</param>
    /// <param name="compare">How it is compared; empty when it only has to be there.</param>
    /// <param name="right">What it is compared with.</param>
    private sealed class FilterStep(JsonPath left, string compare, string right) : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element) =>
            element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().Where(Keep) : [];

        private bool Keep(JsonElement item)
        {
            var value = left.First(item);
            if (value.ValueKind == JsonValueKind.Undefined)
            {
                return false;
            }
            var text = value.ValueKind switch { JsonValueKind.String => value.GetString()!, JsonValueKind.Null => "", _ => value.GetRawText() };
            return compare switch
            {
                "" => true,
                "==" => text == right,
                "!=" => text != right,
                "<" => Order(text) < 0,
                "<=" => Order(text) <= 0,
                ">" => Order(text) > 0,
                _ => Order(text) >= 0,
            };
        }

        private int Order(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out var a) && double.TryParse(right, CultureInfo.InvariantCulture, out var b)
            ? a.CompareTo(b)
            : string.CompareOrdinal(text, right);
    }

    private sealed class Reader(string text)
    {
        private int _at;

        public Step[] Steps()
        {
            var steps = new List<Step>();
            while (_at < text.Length)
            {
                if (text[_at] == '[')
                {
                    steps.Add(Bracket());
                }
                else
                {
                    if (text[_at] == '.')
                    {
                        _at++;
                    }
                    if (_at < text.Length)
                    {
                        steps.Add(Field());
                    }
                }
            }
            return [.. steps];
        }

        private Step Field()
        {
            var name = new StringBuilder();
            while (_at < text.Length && text[_at] is not ('.' or '['))
            {
                if (text[_at] == '\\' && _at + 1 < text.Length)
                {
                    _at++;
                }
                name.Append(text[_at++]);
            }
            return name.Length == 0 ? throw Wrong("a field name") : name.ToString() == "*" ? new AllStep() : new FieldStep(name.ToString());
        }

        private Step Bracket()
        {
            _at++;
            if (_at >= text.Length)
            {
                throw Wrong("']'");
            }
            var step = text[_at] == '?' ? Filter() : Items();
            Expect(']');
            return step;
        }

        /// <summary>One or several names, indices or slices. What is named twice is taken once: unions below unions multiply.</summary>
        private Step Items()
        {
            var steps = new Dictionary<string, Step>(StringComparer.Ordinal);
            while (true)
            {
                Blanks();
                if (_at < text.Length && text[_at] is '\'' or '"')
                {
                    var name = Quoted();
                    steps["." + name] = new FieldStep(name);
                }
                else
                {
                    var end = text.AsSpan(_at).IndexOfAny(',', ']');
                    var inside = end < 0 ? throw Wrong("']'") : text.Substring(_at, end).Trim();
                    var (key, step) = Numbers(inside);
                    steps[key] = step;
                    _at += end;
                }
                Blanks();
                if (_at >= text.Length || text[_at] != ',')
                {
                    break;
                }
                _at++;
            }
            return steps.Count == 1 ? steps.Values.First()
                : steps.Keys.Any(k => k.Contains(':', StringComparison.Ordinal) || k == "*") ? throw Wrong("names or indices") : new UnionStep(steps.Values);
        }

        private (string Key, Step Step) Numbers(string inside)
        {
            if (inside == "*")
            {
                return (inside, new AllStep());
            }
            var parts = inside.Split(':');
            var numbers = parts.Select(p => int.TryParse(p, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : (int?)null).ToArray();
            if (parts.Length > 3 || parts.Where((p, i) => numbers[i] is null && (p.Length > 0 || parts.Length == 1)).Any() || numbers.ElementAtOrDefault(2) <= 0)
            {
                throw Wrong("an index");
            }
            return parts.Length == 1
                ? ($"{numbers[0]}", new IndexStep(numbers[0]!.Value))
                : (inside, new SliceStep(numbers[0], numbers[1], numbers.ElementAtOrDefault(2) ?? 1));
        }

        private FilterStep Filter()
        {
            Expect('?');
            Expect('(');
            Expect('@');
            var start = _at;
            Left();
            var left = Parse(text[start.._at].Trim());
            var compare = Comparison();
            var right = compare.Length == 0 ? "" : Right();
            Blanks();
            Expect(')');
            return new FilterStep(left, compare, right);
        }

        /// <summary>To the end of the path inside a filter: what is in brackets belongs to it.</summary>
        private void Left()
        {
            for (var depth = 0; _at < text.Length && (depth > 0 || text[_at] is not ('=' or '!' or '<' or '>' or ')')); _at++)
            {
                depth += text[_at] switch { '[' => 1, ']' => -1, _ => 0 };
            }
        }

        private string Comparison()
        {
            var compare = (text.ElementAtOrDefault(_at), text.ElementAtOrDefault(_at + 1)) switch
            {
                ('=', '=') => "==",
                ('!', '=') => "!=",
                ('<', '=') => "<=",
                ('>', '=') => ">=",
                ('<', _) => "<",
                ('>', _) => ">",
                (')', _) => "",
                _ => throw Wrong("a comparison"),
            };
            _at += compare.Length;
            return compare;
        }

        private string Right()
        {
            Blanks();
            if (_at < text.Length && text[_at] is '\'' or '"')
            {
                return Quoted();
            }
            var end = text.IndexOf(')', _at);
            var right = end < 0 ? throw Wrong("')'") : text[_at..end].Trim();
            _at = end;
            return right;
        }

        private string Quoted()
        {
            var quote = text[_at++];
            var value = new StringBuilder();
            while (_at < text.Length && text[_at] != quote)
            {
                if (text[_at] == '\\' && _at + 1 < text.Length)
                {
                    _at++;
                }
                value.Append(text[_at++]);
            }
            Expect(quote);
            return value.ToString();
        }

        private void Blanks()
        {
            while (_at < text.Length && text[_at] == ' ')
            {
                _at++;
            }
        }

        private void Expect(char c)
        {
            if (_at >= text.Length || text[_at] != c)
            {
                throw Wrong($"'{c}'");
            }
            _at++;
        }

        private FormatException Wrong(string expected) => new($"JSON path '{text}': expected {expected} at position {_at}");
    }
}
