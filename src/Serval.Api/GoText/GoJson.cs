using System.Collections;

namespace Serval.Api.GoText;

/// <summary>
/// What Go's decoder says of a text that is no JSON (encoding/json: scanner.go). Walked once such a text has been refused, for the words
/// that clients print: the states are those of Go's scanner, named by what they wait for.
/// </summary>
public static class GoJson
{
    private const int MaxDepth = 10_000;

    private const string Ended = "unexpected end of JSON input";

    private enum Wanted
    {
        Value,
        ValueOrEnd,
        Key,
        KeyOrEnd,
        Colon,
        AfterMember,
        AfterItem,
        Nothing,
    }

    /// <summary>The message, such as <c>invalid character '}' looking for beginning of value</c>; null for JSON.</summary>
    public static string? SyntaxError(ReadOnlySpan<byte> utf8)
    {
        var inside = new BitArray(16); // a bit for each open value: whether it is an object
        var (depth, wanted) = (0, Wanted.Value);
        for (var at = 0; at < utf8.Length;)
        {
            var c = utf8[at];
            if (c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            {
                at++;
                continue;
            }
            switch (wanted)
            {
                case Wanted.Value or Wanted.ValueOrEnd when c is (byte)'{' or (byte)'[':
                    if (depth == MaxDepth)
                    {
                        return Invalid(c, "exceeded max depth");
                    }
                    if (depth == inside.Length)
                    {
                        inside.Length *= 2;
                    }
                    inside[depth++] = c == (byte)'{';
                    wanted = c == (byte)'{' ? Wanted.KeyOrEnd : Wanted.ValueOrEnd;
                    at++;
                    continue;
                case Wanted.ValueOrEnd when c == (byte)']':
                case Wanted.KeyOrEnd when c == (byte)'}':
                case Wanted.AfterItem when c == (byte)']':
                case Wanted.AfterMember when c == (byte)'}':
                    depth--;
                    at++;
                    break;
                case Wanted.Value or Wanted.ValueOrEnd:
                    if (Literal(utf8, ref at) is { } wrong)
                    {
                        return wrong;
                    }
                    break;
                case Wanted.Key or Wanted.KeyOrEnd:
                    if (c != (byte)'"')
                    {
                        return Invalid(c, "looking for beginning of object key string");
                    }
                    if (Literal(utf8, ref at) is { } broken)
                    {
                        return broken;
                    }
                    wanted = Wanted.Colon;
                    continue;
                case Wanted.Colon when c == (byte)':':
                    (at, wanted) = (at + 1, Wanted.Value);
                    continue;
                case Wanted.AfterMember when c == (byte)',':
                    (at, wanted) = (at + 1, Wanted.Key);
                    continue;
                case Wanted.AfterItem when c == (byte)',':
                    (at, wanted) = (at + 1, Wanted.Value);
                    continue;
                default:
                    return Invalid(c, wanted switch
                    {
                        Wanted.Colon => "after object key",
                        Wanted.AfterMember => "after object key:value pair",
                        Wanted.AfterItem => "after array element",
                        _ => "after top-level value",
                    });
            }
            wanted = depth == 0 ? Wanted.Nothing : inside[depth - 1] ? Wanted.AfterMember : Wanted.AfterItem;
        }
        return wanted == Wanted.Nothing ? null : Ended;
    }

    private static string Invalid(byte c, string where) => $"invalid character {GoQuote.Byte(c)} {where}";

    private static string? Literal(ReadOnlySpan<byte> text, ref int at) => text[at] switch
    {
        (byte)'"' => String(text, ref at),
        (byte)'t' => Word(text, "true"u8, "true", ref at),
        (byte)'f' => Word(text, "false"u8, "false", ref at),
        (byte)'n' => Word(text, "null"u8, "null", ref at),
        (byte)'-' or (>= (byte)'0' and <= (byte)'9') => Number(text, ref at),
        var c => Invalid(c, "looking for beginning of value"),
    };

    private static string? String(ReadOnlySpan<byte> text, ref int at)
    {
        for (at++; at < text.Length; at++)
        {
            switch (text[at])
            {
                case (byte)'"':
                    at++;
                    return null;
                case (byte)'\\':
                    at++;
                    if (Escape(text, ref at) is { } wrong)
                    {
                        return wrong;
                    }
                    break;
                case < 0x20:
                    return Invalid(text[at], "in string literal");
                default:
                    break;
            }
        }
        return Ended;
    }

    /// <summary>Behind the backslash; ends on the last character of the escape.</summary>
    private static string? Escape(ReadOnlySpan<byte> text, ref int at)
    {
        if (At(text, at) != (byte)'u')
        {
            return "bfnrt\\/\""u8.Contains(At(text, at)) ? null : Invalid(At(text, at), "in string escape code");
        }
        for (var i = 0; i < 4; i++)
        {
            at++;
            if (!char.IsAsciiHexDigit((char)At(text, at)))
            {
                return Invalid(At(text, at), "in \\u hexadecimal character escape");
            }
        }
        return null;
    }

    private static string? Word(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word, string name, ref int at)
    {
        foreach (var expected in word)
        {
            if (At(text, at) != expected)
            {
                return Invalid(At(text, at), $"in literal {name} (expecting '{(char)expected}')");
            }
            at++;
        }
        return null;
    }

    private static string? Number(ReadOnlySpan<byte> text, ref int at)
    {
        if (text[at] == (byte)'-')
        {
            at++;
            if (Digit(text, at, "in numeric literal") is { } noNumber)
            {
                return noNumber;
            }
        }
        var leadingZero = text[at] == (byte)'0';
        at++;
        if (!leadingZero)
        {
            SkipDigits(text, ref at);
        }
        if (at < text.Length && text[at] == (byte)'.')
        {
            at++;
            if (Digit(text, at, "after decimal point in numeric literal") is { } noFraction)
            {
                return noFraction;
            }
            SkipDigits(text, ref at);
        }
        if (at < text.Length && text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            if (at < text.Length && text[at] is (byte)'+' or (byte)'-')
            {
                at++;
            }
            if (Digit(text, at, "in exponent of numeric literal") is { } noExponent)
            {
                return noExponent;
            }
            SkipDigits(text, ref at);
        }
        return null;
    }

    private static string? Digit(ReadOnlySpan<byte> text, int at, string where) =>
        char.IsAsciiDigit((char)At(text, at)) ? null : Invalid(At(text, at), where);

    /// <summary>Behind the end Go's scanner is given a blank, so that a number ends: what is cut off in the middle of a word is complained of as if one stood there.</summary>
    private static byte At(ReadOnlySpan<byte> text, int at) => at < text.Length ? text[at] : (byte)' ';

    private static void SkipDigits(ReadOnlySpan<byte> text, ref int at)
    {
        while (at < text.Length && char.IsAsciiDigit((char)text[at]))
        {
            at++;
        }
    }
}
