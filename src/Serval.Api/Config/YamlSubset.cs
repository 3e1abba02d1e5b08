using System.Text.Json.Nodes;

namespace Serval.Api.Config;

/// <summary>
/// The little YAML that values inside ConfigMaps hold (selectors): block and flow maps and lists of strings, quotes, comments.
/// Scalars stay text. Anchors, tags and block scalars are refused by name.
/// </summary>
internal sealed class YamlSubset
{
    private readonly List<Line> _lines;
    private int _next;

    private YamlSubset(List<Line> lines) => _lines = lines;

    /// <summary>Reads a value; null for an empty text. Throws <see cref="FormatException"/> with the line and the cause.</summary>
    public static JsonNode? Parse(string text)
    {
        var lines = new List<Line>();
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var content = WithoutComment(raw).TrimEnd();
            var indent = content.Length - content.TrimStart(' ').Length;
            if (content.Length == indent || content is "---")
            {
                continue;
            }
            if (content[indent] == '\t')
            {
                throw Bad(number, "indent with spaces, not tabs");
            }
            lines.Add(new Line(number, indent, content[indent..]));
        }
        if (lines.Count == 0)
        {
            return null;
        }
        if (lines[0].Text[0] is '{' or '[')
        {
            return Scalar(string.Join(' ', lines.Select(l => l.Text)), lines[0].Number);
        }
        var reader = new YamlSubset(lines);
        var node = reader.Block(lines[0].Indent);
        return reader._next == lines.Count ? node : throw Bad(lines[reader._next].Number, "indented differently from the lines before");
    }

    private JsonNode? Block(int indent)
    {
        var first = _lines[_next];
        if (IsItem(first.Text))
        {
            return Sequence(indent);
        }
        if (KeyEnd(first.Text) < 0)
        {
            _next++;
            return Scalar(first.Text, first.Number);
        }
        return Mapping(indent);
    }

    private JsonObject Mapping(int indent)
    {
        var map = new JsonObject();
        while (_next < _lines.Count && _lines[_next].Indent == indent && !IsItem(_lines[_next].Text))
        {
            var line = _lines[_next];
            var end = KeyEnd(line.Text);
            if (end < 0)
            {
                throw Bad(line.Number, "expected \"key: value\"");
            }
            var key = Unquote(line.Text[..end].Trim(), line.Number);
            var rest = line.Text[(end + 1)..].Trim();
            _next++;
            if (!map.TryAdd(key, null))
            {
                throw Bad(line.Number, $"key \"{key}\" is there twice");
            }
            map[key] = rest.Length > 0 ? Scalar(rest, line.Number) : Nested(indent);
        }
        return map;
    }

    private JsonNode? Nested(int indent)
    {
        if (_next >= _lines.Count)
        {
            return null;
        }
        var line = _lines[_next];
        // A list may stand at its key's own indent.
        return line.Indent > indent || (line.Indent == indent && IsItem(line.Text)) ? Block(line.Indent) : null;
    }

    private JsonArray Sequence(int indent)
    {
        var list = new JsonArray();
        while (_next < _lines.Count && _lines[_next].Indent == indent && IsItem(_lines[_next].Text))
        {
            var line = _lines[_next];
            var rest = line.Text[1..].TrimStart();
            if (rest.Length == 0)
            {
                _next++;
                list.Add(_next < _lines.Count && _lines[_next].Indent > indent ? Block(_lines[_next].Indent) : null);
                continue;
            }
            var inner = indent + line.Text.Length - rest.Length;
            _lines[_next] = new Line(line.Number, inner, rest);
            list.Add(Block(inner));
        }
        return list;
    }

    private static bool IsItem(string text) => text == "-" || text.StartsWith("- ", StringComparison.Ordinal);

    // Where the colon of "key:" stands, or -1.
    private static int KeyEnd(string text)
    {
        var quote = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quote != '\0')
            {
                quote = c == quote ? '\0' : quote;
            }
            else if (i == 0 && c is '"' or '\'')
            {
                quote = c;
            }
            else if (i == 0 && c is '{' or '[')
            {
                return -1;
            }
            else if (c == ':' && (i + 1 == text.Length || text[i + 1] == ' '))
            {
                return i;
            }
        }
        return -1;
    }

    private static string WithoutComment(string line)
    {
        var quote = '\0';
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (quote != '\0')
            {
                quote = c == quote ? '\0' : quote;
            }
            else if (c is '"' or '\'')
            {
                quote = c;
            }
            else if (c == '#' && (i == 0 || line[i - 1] == ' '))
            {
                return line[..i];
            }
        }
        return line.TrimEnd('\r');
    }

    private static JsonNode? Scalar(string text, int line)
    {
        if (text[0] is '{' or '[')
        {
            var position = 0;
            var node = Flow(text, ref position, line);
            return text[position..].Trim().Length == 0 ? node : throw Bad(line, $"unexpected \"{text[position..].Trim()}\"");
        }
        return text is "~" or "null" or "Null" or "NULL" ? null : JsonValue.Create(Unquote(text, line));
    }

    private static JsonNode? Flow(string text, ref int position, int line)
    {
        Skip(text, ref position);
        if (position < text.Length && text[position] == '{')
        {
            return FlowMap(text, ref position, line);
        }
        if (position < text.Length && text[position] == '[')
        {
            var list = new JsonArray();
            position++;
            while (!Closes(text, ref position, ']', line))
            {
                list.Add(Flow(text, ref position, line));
                Separator(text, ref position, ']', line);
            }
            return list;
        }
        var scalar = FlowText(text, ref position, line, ",]}");
        return scalar is "null" or "~" ? null : JsonValue.Create(scalar);
    }

    private static JsonObject FlowMap(string text, ref int position, int line)
    {
        var map = new JsonObject();
        position++;
        while (!Closes(text, ref position, '}', line))
        {
            var key = FlowText(text, ref position, line, ":,}");
            Skip(text, ref position);
            if (position >= text.Length || text[position] != ':')
            {
                throw Bad(line, $"expected \":\" after \"{key}\"");
            }
            position++;
            map[key] = Flow(text, ref position, line);
            Separator(text, ref position, '}', line);
        }
        return map;
    }

    private static string FlowText(string text, ref int position, int line, string ends)
    {
        Skip(text, ref position);
        var start = position;
        if (position < text.Length && text[position] is '"' or '\'')
        {
            var close = text.IndexOf(text[position], position + 1);
            position = close < 0 ? throw Bad(line, "a quote is not closed") : close + 1;
        }
        while (position < text.Length && !ends.Contains(text[position], StringComparison.Ordinal))
        {
            position++;
        }
        var scalar = text[start..position].Trim();
        return scalar.Length == 0 ? "" : Unquote(scalar, line);
    }

    private static bool Closes(string text, ref int position, char close, int line)
    {
        Skip(text, ref position);
        if (position >= text.Length)
        {
            throw Bad(line, $"expected \"{close}\"");
        }
        if (text[position] != close)
        {
            return false;
        }
        position++;
        return true;
    }

    private static void Separator(string text, ref int position, char close, int line)
    {
        Skip(text, ref position);
        if (position < text.Length && text[position] == ',')
        {
            position++;
        }
        else if (position >= text.Length || text[position] != close)
        {
            throw Bad(line, $"expected \",\" or \"{close}\"");
        }
    }

    private static void Skip(string text, ref int position)
    {
        while (position < text.Length && text[position] == ' ')
        {
            position++;
        }
    }

    private static string Unquote(string text, int line)
    {
        if (text[0] is '"' or '\'')
        {
            return text.Length > 1 && text[^1] == text[0] ? text[1..^1] : throw Bad(line, "a quote is not closed");
        }
        return text[0] is '&' or '*' or '!' or '|' or '>' or '%' or '@' or '`'
            ? throw Bad(line, $"\"{text[0]}\" is not supported here: write plain keys and values")
            : text;
    }

    private static FormatException Bad(int line, string cause) => new($"line {line}: {cause}");

    private readonly record struct Line(int Number, int Indent, string Text);
}
