using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Serval.Api.Crds;

/// <summary>
/// A pattern in Go's syntax (RE2, https://github.com/google/re2/wiki/Syntax), matched in time linear in the text. What .NET writes otherwise is
/// rewritten: classes are ASCII as in Go, <c>$</c> is the very end unless lines count (<c>(?m)</c>), and <c>[</c> in a class is itself.
/// </summary>
internal static class GoPattern
{
    private const int MostRepeats = 1000; // RE2's limit, also of nested repeats multiplied

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1);

    /// <summary>What is wrong with the pattern, in Go's words as far as they are known; null when nothing is.</summary>
    public static string? Error(string pattern)
    {
        try
        {
            Build(pattern);
            return null;
        }
        catch (FormatException e)
        {
            return "error parsing regexp: " + e.Message;
        }
        catch (RegexParseException e) when (e.Error == RegexParseError.UnrecognizedUnicodeProperty)
        {
            return null; // a script that .NET has no name for: see IsForeign
        }
        catch (ArgumentException e)
        {
            return "error parsing regexp: " + e.Message;
        }
        catch (NotSupportedException)
        {
            return "error parsing regexp: invalid or unsupported Perl syntax";
        }
    }

    /// <summary>Whether the pattern is right, but cannot be matched here.</summary>
    public static bool IsForeign(string pattern) => Error(pattern) is null && Compile(pattern) is null;

    /// <summary>The expression; null for a pattern that cannot be matched here. A match may throw <see cref="RegexMatchTimeoutException"/>.</summary>
    public static Regex? Compile(string pattern)
    {
        try
        {
            return Build(pattern);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or FormatException)
        {
            return null;
        }
    }

    private static Regex Build(string pattern) =>
        new(new Translator(pattern).Run(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, s_limit);

    private sealed class Translator(string pattern)
    {
        private readonly StringBuilder _out = new(pattern.Length + 8);
        private readonly Stack<(long Repeats, bool Lines)> _groups = new(); // around each open group
        private bool _lines;
        private long _inGroup = 1;
        private long _last = 1;
        private int _at;

        public string Run()
        {
            while (_at < pattern.Length)
            {
                Atom(pattern[_at]);
            }
            return _out.ToString();
        }

        private void Atom(char c)
        {
            switch (c)
            {
                case '\\':
                    Escape(inClass: false);
                    _last = 1;
                    break;
                case '[':
                    Class();
                    _last = 1;
                    break;
                case '(':
                    Open();
                    break;
                case ')':
                    _last = _inGroup;
                    var (around, lines) = _groups.Count > 0 ? _groups.Pop() : (1, _lines);
                    (_inGroup, _lines) = (Math.Max(around, _last), lines);
                    Copy();
                    break;
                case '{':
                    Repeat();
                    break;
                case '$':
                    _out.Append(_lines ? "$" : "\\z");
                    _at++;
                    break;
                default:
                    _last = c is '*' or '+' or '?' ? _last : 1;
                    Copy();
                    break;
            }
        }

        private void Open()
        {
            var rest = pattern.AsSpan(_at);
            if (rest.StartsWith("(?=") || rest.StartsWith("(?!") || rest.StartsWith("(?<=") || rest.StartsWith("(?<!") || rest.StartsWith("(?>") || rest.StartsWith("(?#"))
            {
                throw new FormatException($"invalid or unsupported Perl syntax: `{rest[..3]}`");
            }
            if (rest.StartsWith("(?") && !rest.StartsWith("(?P<") && !rest.StartsWith("(?<"))
            {
                Flags();
                return;
            }
            Enter();
            if (rest.StartsWith("(?P<"))
            {
                _out.Append("(?<");
                _at += 4;
                return;
            }
            Copy();
        }

        private void Enter()
        {
            _groups.Push((_inGroup, _lines));
            _inGroup = 1;
        }

        /// <summary><c>(?im-s:</c> opens a group, <c>(?im-s)</c> is for the rest of the one it is in. U, which says what is taken first, changes no match.</summary>
        private void Flags()
        {
            var end = _at + 2 + pattern.AsSpan(_at + 2).IndexOfAnyExcept("imsU-");
            var flags = end < _at + 2 ? "" : pattern[(_at + 2)..end];
            var minus = flags.IndexOf('-', StringComparison.Ordinal);
            if (end < _at + 2 || pattern[end] is not (':' or ')') || minus != flags.LastIndexOf('-') || (minus >= 0 && minus == flags.Length - 1))
            {
                throw new FormatException($"invalid or unsupported Perl syntax: `{pattern[_at..Math.Min(_at + 3, pattern.Length)]}`");
            }
            if (pattern[end] == ':')
            {
                Enter();
            }
            if (flags.LastIndexOf('m') is >= 0 and var m)
            {
                _lines = minus < 0 || m < minus;
            }
            var kept = flags.Replace("U", "", StringComparison.Ordinal).TrimEnd('-');
            _out.Append(pattern[end] == ':' ? $"(?{kept}:" : kept.Length == 0 ? "" : $"(?{kept})");
            _at = end + 1;
        }

        private void Repeat()
        {
            var end = pattern.IndexOf('}', _at);
            var parts = end < 0 ? [] : pattern[(_at + 1)..end].Split(',');
            if (parts.Length is 1 or 2 && IsCount(parts[0]) && (parts.Length == 1 || parts[1].Length == 0 || IsCount(parts[1])))
            {
                var most = parts.Max(p => long.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : p.Length == 0 ? 0 : long.MaxValue);
                _last = most > MostRepeats ? long.MaxValue : _last * Math.Max(most, 1);
                if (_last > MostRepeats)
                {
                    throw new FormatException($"invalid repeat count: `{pattern[_at..(end + 1)]}`");
                }
                _inGroup = Math.Max(_inGroup, _last);
                _out.Append(pattern, _at, end + 1 - _at);
                _at = end + 1;
                return;
            }
            _out.Append("\\{"); // a brace that counts nothing is itself
            _at++;
        }

        private static bool IsCount(string text) => text.Length > 0 && text.All(char.IsAsciiDigit);

        private void Class()
        {
            var start = _at;
            Copy();
            if (Peek() == '^')
            {
                Copy();
            }
            for (var first = true; ; first = false)
            {
                switch (Peek())
                {
                    case '\0':
                        throw new FormatException($"missing closing ]: `{pattern[start..]}`");
                    case ']' when !first:
                        Copy();
                        return;
                    case ']':
                        _out.Append("\\]");
                        _at++;
                        break;
                    case '[':
                        Named();
                        break;
                    case '\\':
                        Escape(inClass: true);
                        break;
                    default:
                        Copy();
                        break;
                }
            }
        }

        /// <summary><c>[:alpha:]</c> inside a class; else the bracket itself.</summary>
        private void Named()
        {
            var end = pattern.IndexOf(":]", _at, StringComparison.Ordinal);
            if (end > 0 && _at + 1 < pattern.Length && pattern[_at + 1] == ':')
            {
                var name = pattern[(_at + 2)..end];
                _out.Append(name switch
                {
                    "alnum" => "0-9A-Za-z",
                    "alpha" => "A-Za-z",
                    "ascii" => "\\x00-\\x7F",
                    "blank" => "\\t ",
                    "cntrl" => "\\x00-\\x1F\\x7F",
                    "digit" => "0-9",
                    "graph" => "!-~",
                    "lower" => "a-z",
                    "print" => " -~",
                    "punct" => "!-/:-@\\[-`{-~",
                    "space" => "\\t\\n\\v\\f\\r ",
                    "upper" => "A-Z",
                    "word" => "0-9A-Za-z_",
                    "xdigit" => "0-9A-Fa-f",
                    _ => throw new FormatException($"invalid character class range: `[:{name}:]`"),
                });
                _at = end + 2;
                return;
            }
            _out.Append("\\[");
            _at++;
        }

        private void Escape(bool inClass)
        {
            var c = _at + 1 < pattern.Length ? pattern[_at + 1] : throw new FormatException("trailing backslash at end of expression: ``");
            switch (c)
            {
                case 'd':
                    Ascii(inClass ? "0-9" : "[0-9]");
                    break;
                case 'w':
                    Ascii(inClass ? "0-9A-Za-z_" : "[0-9A-Za-z_]");
                    break;
                case 's':
                    Ascii(inClass ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]");
                    break;
                case 'D' when !inClass:
                    Ascii("[^0-9]");
                    break;
                case 'W' when !inClass:
                    Ascii("[^0-9A-Za-z_]");
                    break;
                case 'S' when !inClass:
                    Ascii("[^\\t\\n\\f\\r ]");
                    break;
                case 'p' or 'P' when _at + 2 < pattern.Length && pattern[_at + 2] != '{':
                    Ascii($"\\{c}{{{pattern[_at + 2]}}}");
                    _at++;
                    break;
                case 'p' or 'P':
                    Category();
                    break;
                case 'x' when _at + 2 < pattern.Length && pattern[_at + 2] == '{':
                    Point();
                    break;
                case '_': // .NET knows no such escape
                    Ascii("_");
                    break;
                case 'Q' when !inClass:
                    Quoted();
                    break;
                case >= '1' and <= '9' or 'Z' or 'G' or 'k':
                    throw new FormatException($"invalid escape sequence: `\\{c}`");
                default:
                    Copy();
                    Copy();
                    break;
            }
        }

        private void Ascii(string instead)
        {
            _out.Append(instead);
            _at += 2;
        }

        private void Category()
        {
            var end = pattern.IndexOf('}', _at);
            if (end < 0)
            {
                throw new FormatException($"invalid character class range: `{pattern[_at..]}`");
            }
            _out.Append(pattern, _at, end + 1 - _at);
            _at = end + 1;
        }

        private void Point()
        {
            var end = pattern.IndexOf('}', _at);
            if (end < 0 || !int.TryParse(pattern.AsSpan(_at + 3, end - _at - 3), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point)
                || !Rune.IsValid(point))
            {
                throw new FormatException("invalid escape sequence: `\\x`");
            }
            foreach (var unit in new Rune(point).ToString())
            {
                _out.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
            }
            _at = end + 1;
        }

        private void Quoted()
        {
            var end = pattern.IndexOf("\\E", _at, StringComparison.Ordinal);
            _out.Append(Regex.Escape(pattern[(_at + 2)..(end < 0 ? pattern.Length : end)]).Replace("]", "\\]", StringComparison.Ordinal));
            _at = end < 0 ? pattern.Length : end + 2;
        }

        private char Peek() => _at < pattern.Length ? pattern[_at] : '\0';

        private void Copy() => _out.Append(pattern[_at++]);
    }
}
