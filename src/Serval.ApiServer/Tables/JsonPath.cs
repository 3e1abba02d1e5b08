using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>
/// The part of JSONPath that printer columns use: fields (<c>.a.b</c>, <c>.a\.b</c>, <c>['a\.b']</c>), indices (negative from the end),
/// <c>[*]</c> and filters (<c>[?(@.type=='Ready')]</c>, also <c>!=</c>).
/// </summary>
internal sealed class JsonPath
{
    private readonly Step[] _steps;

    private JsonPath(Step[] steps) => _steps = steps;

    /// <summary>Throws <see cref="FormatException"/> with the place where the path stops making sense.</summary>
    public static JsonPath Parse(string path)
    {
        var text = path.Trim();
        if (text is ['{', .., '}'])
        {
            text = text[1..^1].Trim();
        }
        var reader = new Reader(text.TrimStart('$'));
        return new JsonPath(reader.Steps());
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

    private sealed class FilterStep(JsonPath left, bool equal, string right) : Step
    {
        public override IEnumerable<JsonElement> Select(JsonElement element) =>
            element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().Where(Keep) : [];

        private bool Keep(JsonElement item)
        {
            var value = left.First(item);
            return value.ValueKind != JsonValueKind.Undefined && value.Text() == right == equal;
        }
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
            Step step;
            if (text[_at] is '\'' or '"')
            {
                step = new FieldStep(Quoted());
            }
            else if (text[_at] == '?')
            {
                step = Filter();
            }
            else
            {
                var end = text.IndexOf(']', _at);
                var inside = end < 0 ? throw Wrong("']'") : text[_at..end];
                _at = end;
                step = inside == "*" ? new AllStep()
                    : int.TryParse(inside, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index) ? new IndexStep(index)
                    : throw Wrong("an index");
            }
            Expect(']');
            return step;
        }

        private FilterStep Filter()
        {
            Expect('?');
            Expect('(');
            Expect('@');
            var start = _at;
            var equal = text.IndexOf("==", _at, StringComparison.Ordinal);
            var different = text.IndexOf("!=", _at, StringComparison.Ordinal);
            var at = equal < 0 ? different : different < 0 ? equal : Math.Min(equal, different);
            if (at < 0)
            {
                throw Wrong("'==' or '!='");
            }
            var left = Parse(text[start..at].Trim());
            _at = at + 2;
            Blanks();
            string right;
            if (_at < text.Length && text[_at] is '\'' or '"')
            {
                right = Quoted();
            }
            else
            {
                var end = text.IndexOf(')', _at);
                right = end < 0 ? throw Wrong("')'") : text[_at..end].Trim();
                _at = end;
            }
            Blanks();
            Expect(')');
            return new FilterStep(left, at == equal, right);
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
