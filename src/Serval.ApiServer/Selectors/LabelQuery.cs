using System.Globalization;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.GoText;

namespace Serval.ApiServer.Selectors;

/// <summary>
/// A parsed label selector in query form: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k,l&gt;1</c>. It is read token by token as upstream does, so that what
/// is wrong is told in upstream's words (apimachinery: labels/selector.go).
/// </summary>
internal sealed class LabelQuery
{
    public static readonly LabelQuery Everything = new([]);

    private readonly Requirement[] _requirements;

    private LabelQuery(Requirement[] requirements) => _requirements = requirements;

    private enum Operator
    {
        In,
        NotIn,
        Exists,
        DoesNotExist,
        GreaterThan,
        LessThan,
    }

    public bool IsEverything => _requirements.Length == 0;

    /// <summary>Throws BadRequest when the text is no selector.</summary>
    public static LabelQuery Parse(string text)
    {
        if (text.Length == 0)
        {
            return Everything;
        }
        var tokens = new LabelTokens(text);
        var list = new List<Requirement>();
        while (!tokens.AtEnd)
        {
            if (!tokens.IsWord && tokens.Next != "!")
            {
                throw Bad(list.Count == 0 ? $"found '{tokens.Next}', expected: !, identifier, or 'end of string'" : $"found '{tokens.Next}', expected: identifier after ','");
            }
            list.Add(ReadRequirement(tokens));
            if (tokens.AtEnd)
            {
                break;
            }
            if (tokens.Take() is var comma && comma != ",")
            {
                throw Bad($"found '{comma}', expected: ',' or 'end of string'");
            }
            if (tokens.AtEnd)
            {
                throw Bad("found '', expected: identifier after ','");
            }
        }
        return new LabelQuery([.. list]);
    }

    public bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        foreach (var requirement in _requirements)
        {
            if (!requirement.Matches(labels))
            {
                return false;
            }
        }
        return true;
    }

    private static Requirement ReadRequirement(LabelTokens tokens)
    {
        var absent = tokens.Next == "!";
        if (absent)
        {
            tokens.Take();
        }
        if (!tokens.IsWord)
        {
            throw BadRequirement($"found '{tokens.Next}', expected: identifier");
        }
        var key = tokens.Take();
        if (string.Join("; ", Names.QualifiedNameProblems(key)) is { Length: > 0 } problem)
        {
            throw BadRequirement($"<nil>: Invalid value: {GoQuote.Quote(key)}: {problem}");
        }
        if (absent || tokens.AtEnd || tokens.Next == ",")
        {
            return new Requirement(key, absent ? Operator.DoesNotExist : Operator.Exists, []);
        }
        return tokens.Take() switch
        {
            "=" or "==" => Checked(key, Operator.In, [Value(tokens)]),
            "!=" => Checked(key, Operator.NotIn, [Value(tokens)]),
            ">" => Checked(key, Operator.GreaterThan, [Value(tokens)]),
            "<" => Checked(key, Operator.LessThan, [Value(tokens)]),
            "in" => Checked(key, Operator.In, Set(tokens)),
            "notin" => Checked(key, Operator.NotIn, Set(tokens)),
            var other => throw BadRequirement($"found '{other}', expected: in, notin, =, ==, !=, gt, lt"),
        };
    }

    private static string Value(LabelTokens tokens) => tokens.AtEnd || tokens.Next == "," ? ""
        : tokens.IsWord ? tokens.Take()
        : throw BadRequirement($"found '{tokens.Next}', expected: identifier");

    private static string[] Set(LabelTokens tokens)
    {
        if (tokens.Next != "(")
        {
            throw BadRequirement($"found '{tokens.Next}' expected: '('");
        }
        tokens.Take();
        if (tokens.Next == ")")
        {
            tokens.Take();
            return [""];
        }
        if (!tokens.IsWord && tokens.Next != ",")
        {
            throw BadRequirement($"found '{tokens.Next}', expected: ',', ')' or identifier");
        }
        var values = new SortedSet<string>(StringComparer.Ordinal);
        while (true)
        {
            if (tokens.IsWord)
            {
                values.Add(tokens.Take());
                if (tokens.Next is not ("," or ")"))
                {
                    throw BadRequirement($"found '{tokens.Next}', expected: ',' or ')'");
                }
            }
            else if (tokens.Next == ",")
            {
                tokens.Take();
                if (values.Count == 0 || tokens.Next is "," or ")")
                {
                    values.Add("");
                }
            }
            else
            {
                throw BadRequirement($"found '{tokens.Next}', expected: ',', or identifier");
            }
            if (tokens.Next == ")")
            {
                tokens.Take();
                return [.. values];
            }
        }
    }

    private static Requirement Checked(string key, Operator @operator, string[] values)
    {
        var wrong = new List<string>();
        var bound = 0L;
        if (@operator is Operator.GreaterThan or Operator.LessThan && !TryNumber(values[0], out bound))
        {
            wrong.Add($"values[0]: Invalid value: {GoQuote.Quote(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer");
        }
        for (var i = 0; i < values.Length; i++)
        {
            if (Names.LabelValue(values[i]) is { } problem)
            {
                wrong.Add($"values[{i}][{key}]: Invalid value: {GoQuote.Quote(values[i])}: {problem}");
            }
        }
        return wrong.Count switch
        {
            0 => new Requirement(key, @operator, values, bound),
            1 => throw BadRequirement(wrong[0]),
            _ => throw BadRequirement($"[{string.Join(", ", wrong)}]"),
        };
    }

    private static ApiException BadRequirement(string why) => Bad($"unable to parse requirement: {why}");

    private static ApiException Bad(string why) => ApiException.BadRequest(why);

    private static bool TryNumber(string? text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private sealed record Requirement(string Key, Operator Operator, string[] Values, long Bound = 0)
    {
        public bool Matches(IReadOnlyDictionary<string, string> labels)
        {
            var present = labels.TryGetValue(Key, out var actual);
            return Operator switch
            {
                Operator.In => present && Array.IndexOf(Values, actual) >= 0,
                Operator.NotIn => !present || Array.IndexOf(Values, actual) < 0,
                Operator.Exists => present,
                Operator.DoesNotExist => !present,
                Operator.GreaterThan => present && TryNumber(actual, out var more) && more > Bound,
                _ => present && TryNumber(actual, out var less) && less < Bound,
            };
        }
    }
}
