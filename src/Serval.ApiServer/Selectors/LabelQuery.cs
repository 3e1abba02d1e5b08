using Serval.Api;
using Serval.Api.Core;

namespace Serval.ApiServer.Selectors;

/// <summary>A parsed label selector in query form: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k,l&gt;1</c>.</summary>
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

    /// <summary>Throws BadRequest with the place of the mistake.</summary>
    public static LabelQuery Parse(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return Everything;
        }
        var scanner = new Scanner(text);
        var list = new List<Requirement>();
        do
        {
            list.Add(ReadRequirement(scanner));
        }
        while (scanner.Take(','));
        return scanner.AtEnd ? new LabelQuery([.. list]) : throw scanner.Bad("expected ',' or the end");
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

    private static Requirement ReadRequirement(Scanner scanner)
    {
        if (scanner.Take('!'))
        {
            return new Requirement(scanner.Key(), Operator.DoesNotExist, []);
        }
        var key = scanner.Key();
        if (scanner.AtEnd || scanner.Peek == ',')
        {
            return new Requirement(key, Operator.Exists, []);
        }
        if (scanner.Take('='))
        {
            scanner.Take('=');
            return new Requirement(key, Operator.In, [scanner.Value()]);
        }
        if (scanner.Take('!'))
        {
            return scanner.Take('=') ? new Requirement(key, Operator.NotIn, [scanner.Value()]) : throw scanner.Bad("expected '=' after '!'");
        }
        if (scanner.Take('>'))
        {
            return new Requirement(key, Operator.GreaterThan, [scanner.Number()]);
        }
        if (scanner.Take('<'))
        {
            return new Requirement(key, Operator.LessThan, [scanner.Number()]);
        }
        return scanner.Word() switch
        {
            "in" => new Requirement(key, Operator.In, scanner.Set()),
            "notin" => new Requirement(key, Operator.NotIn, scanner.Set()),
            var other => throw scanner.Bad($"found '{other}', expected: in, notin, =, ==, !=, gt, lt"),
        };
    }

    private sealed record Requirement(string Key, Operator Operator, string[] Values)
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
                Operator.GreaterThan => present && long.TryParse(actual, out var more) && more > long.Parse(Values[0]),
                _ => present && long.TryParse(actual, out var less) && less < long.Parse(Values[0]),
            };
        }
    }

    private sealed class Scanner(string text)
    {
        private int _at;

        public bool AtEnd
        {
            get
            {
                SkipSpace();
                return _at >= text.Length;
            }
        }

        public char Peek => AtEnd ? '\0' : text[_at];

        public bool Take(char wanted)
        {
            if (Peek != wanted)
            {
                return false;
            }
            _at++;
            return true;
        }

        public string Word()
        {
            SkipSpace();
            var start = _at;
            while (_at < text.Length && !IsSpecial(text[_at]))
            {
                _at++;
            }
            return text[start.._at];
        }

        public string Key()
        {
            var word = Word();
            return Names.QualifiedName(word) is { } problem ? throw Bad($"key \"{word}\": {problem}") : word;
        }

        public string Value()
        {
            var word = Word();
            return Names.LabelValue(word) is { } problem ? throw Bad($"value \"{word}\": {problem}") : word;
        }

        public string Number()
        {
            var word = Word();
            return long.TryParse(word, out _) ? word : throw Bad($"value \"{word}\": for 'Gt', 'Lt' operators, the value must be an integer");
        }

        public string[] Set()
        {
            if (!Take('('))
            {
                throw Bad("expected '('");
            }
            var values = new List<string>();
            do
            {
                values.Add(Value());
            }
            while (Take(','));
            return Take(')') ? [.. values] : throw Bad("expected ',' or ')'");
        }

        public ApiException Bad(string why) =>
            ApiException.BadRequest($"unable to parse label selector \"{text}\" at position {_at}: {why}");

        private static bool IsSpecial(char c) => c is ',' or '=' or '!' or '(' or ')' or '<' or '>' || char.IsWhiteSpace(c);

        private void SkipSpace()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
            {
                _at++;
            }
        }
    }
}
