using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Serval.Api.Admission;
using Serval.Api.Schema;

namespace Serval.Api.Crds;

/// <summary>
/// Says where a value is not as its schema demands, in the words of kube-openapi pkg/validation and apiextensions-apiserver
/// pkg/apiserver/validation. On an update an error at a value that did not change is dropped (ratcheting, ratcheting.go there).
/// </summary>
internal sealed class SchemaValidator
{
    /// <summary>Values looked at before it is given up: junctors inside junctors multiply.</summary>
    internal const int MostVisits = 1_000_000;

    private const int Unit = 64; // characters or names that cost as much as a visit
    private const int MostErrors = 200;
    private const int ErrorCost = 4; // visits: most errors are those of alternatives, made and forgotten

    private const string NoField = "<nil>"; // upstream's path of what has none

    private static readonly TimeSpan s_mostMatching = TimeSpan.FromSeconds(1); // of all patterns together; one match may take as much again

    private readonly DecodePath _path = new();
    private readonly Dictionary<(JsonNode, JsonNode), bool> _same = [];
    private readonly string _prefix;
    private readonly TimeProvider _clock;
    private TimeSpan _matching;
    private int _left = MostVisits;
    private bool _slow;

    private SchemaValidator(string prefix, TimeProvider clock) => (_prefix, _clock) = (prefix, clock);

    /// <param name="schema">The schema of the value.</param>
    /// <param name="value">A part of an object.</param>
    /// <param name="old">What was there before.</param>
    /// <param name="prefix">Path to the part, for errors.</param>
    /// <param name="clock">Times the patterns; the system's when null.</param>
    internal static IReadOnlyList<FieldError> Run(StructuralSchema schema, JsonNode? value, JsonNode? old, string prefix, TimeProvider? clock = null)
    {
        var run = new SchemaValidator(prefix, clock ?? TimeProvider.System);
        var verdict = new Verdict();
        if (prefix.Length > 0)
        {
            run.Below(schema, value, old, verdict);
        }
        else
        {
            verdict = run.Value(schema, value, old); // of a whole object something is always new to upstream: who manages it, and since when
        }
        var errors = verdict.Errors;
        if (run._left > 0 && !run._slow)
        {
            return errors;
        }
        return [new FieldError("FieldValueInvalid", run._slow
            ? "Invalid value: \"\": a pattern of the schema takes too long to match"
            : "Invalid value: \"\": the schema takes too long to check against the object: it nests too many alternatives", NoField)];
    }

    private Verdict Value(StructuralSchema schema, JsonNode? value, JsonNode? old)
    {
        var verdict = new Verdict();
        if (--_left <= 0 || _slow)
        {
            return verdict;
        }
        Types(schema, value, verdict);
        if (value is null)
        {
            Enum(schema, value, verdict);
            return verdict;
        }
        if (schema.Rules is { } rules)
        {
            Junctors(rules, value, old, verdict);
        }
        switch (value)
        {
            case JsonArray list:
                List(schema, list, old as JsonArray, verdict);
                Enum(schema, value, verdict);
                break;
            case JsonObject map:
                Enum(schema, value, verdict);
                Object(schema, map, old as JsonObject, verdict);
                break;
            default:
                Scalar(schema, value.AsValue(), verdict);
                Enum(schema, value, verdict);
                break;
        }
        verdict.Matches += 4; // as many checks as upstream counts for any value: what is right in an alternative decides which errors are shown
        return verdict;
    }

    /// <summary>Ratcheting: what is wrong below a field or an item that is as it was, was let in before.</summary>
    private void Below(StructuralSchema schema, JsonNode? value, JsonNode? old, Verdict into)
    {
        var verdict = Value(schema, value, old);
        if (verdict.Failed && value is not null && old is not null && IsSame(value, old))
        {
            verdict.Forgive();
        }
        into.Merge(verdict);
    }

    /// <summary>Asked by each alternative, looked at once.</summary>
    private bool IsSame(JsonNode value, JsonNode old)
    {
        if (!_same.TryGetValue((value, old), out var same))
        {
            _same[(value, old)] = same = JsonNode.DeepEquals(value, old);
        }
        return same;
    }

    /// <summary>What is looked at beside the value itself. False when that was too much.</summary>
    private bool Afford(int count) => (_left -= count / Unit) > 0;

    private void Types(StructuralSchema schema, JsonNode? value, Verdict to)
    {
        var format = schema.Rules?.Format ?? "";
        if (schema.Type.Length == 0 && !schema.IsIntOrString && format.Length == 0)
        {
            return;
        }
        var actual = JsonText.TypeOf(value);
        var fits = value is null ? schema.Nullable || (schema.Type.Length == 0 && !schema.IsIntOrString)
            : schema.IsIntOrString ? actual is "integer" or "string"
            : schema.Type.Length == 0 ? actual == "string"
            : schema.Type == actual || (schema.Type == "number" && actual == "integer");
        if (fits)
        {
            to.Matches++;
            return;
        }
        // A number or bool where a format is demanded is told the format, and its own (kube-openapi validate/type.go).
        if (format.Length > 0 && value is JsonValue && actual != "string" && !schema.IsIntOrString)
        {
            var own = actual switch { "integer" => "int64", "number" => "float64", _ => "" };
            WrongType(schema.Rules!.FormatName, own, to);
            return;
        }
        WrongType(schema.IsIntOrString ? "integer,string" : schema.Type, actual, to);
    }

    private void WrongType(string type, string actual, Verdict to) =>
        Add(to, "FieldValueTypeInvalid", $"Invalid value: \"{actual}\": {Name} in body must be of type {type}: \"{actual}\"", Field);

    private void Junctors(ValueRules rules, JsonNode value, JsonNode? old, Verdict to)
    {
        if (rules.AnyOf.Count > 0)
        {
            AnyOf(rules.AnyOf, value, old, to);
        }
        if (rules.OneOf.Count > 0)
        {
            OneOf(rules.OneOf, value, old, to);
        }
        if (rules.AllOf.Count > 0)
        {
            var right = 0;
            foreach (var schema in rules.AllOf)
            {
                var verdict = Value(schema, value, old);
                right += !verdict.Failed ? 1 : 0;
                to.Merge(verdict);
            }
            if (right < rules.AllOf.Count)
            {
                Whole("must validate all the schemas (allOf)" + (right == 0 ? ". None validated" : ""), to);
            }
        }
        if (rules.Not is { } not && !Value(not, value, old).Failed)
        {
            Whole("must not validate the schema (not)", to);
        }
    }

    private void AnyOf(IReadOnlyList<StructuralSchema> schemas, JsonNode value, JsonNode? old, Verdict to)
    {
        Verdict? best = null;
        foreach (var schema in schemas)
        {
            var verdict = Value(schema, value, old);
            if (!verdict.Failed)
            {
                to.Merge(verdict);
                return;
            }
            best = best is null || verdict.Matches > best.Matches ? verdict : best;
        }
        Whole("must validate at least one schema (anyOf)", to);
        to.Merge(best!);
    }

    private void OneOf(IReadOnlyList<StructuralSchema> schemas, JsonNode value, JsonNode? old, Verdict to)
    {
        Verdict? best = null;
        Verdict? first = null;
        var right = 0;
        foreach (var schema in schemas)
        {
            var verdict = Value(schema, value, old);
            if (!verdict.Failed)
            {
                right++;
                first ??= verdict;
            }
            else if (best is null || verdict.Matches > best.Matches)
            {
                best = verdict;
            }
        }
        if (right == 1)
        {
            to.Merge(first!);
            return;
        }
        Whole("must validate one and only one schema (oneOf). " + (right == 0 ? "Found none valid" : $"Found {right} valid alternatives"), to);
        if (right == 0)
        {
            to.Merge(best!);
        }
    }

    private void Whole(string wrong, Verdict to) => Add(to, "FieldValueInvalid", $"Invalid value: \"\": \"{Name}\" {wrong}", NoField);

    private void Scalar(StructuralSchema schema, JsonValue value, Verdict to)
    {
        if (value.GetValueKind() == JsonValueKind.String)
        {
            if (schema.Rules is { } rules)
            {
                Text(rules, value.GetValue<string>(), to);
            }
        }
        else if ((schema.Rules is not null || schema.Type == "integer") && value.TryGetDouble(out var number))
        {
            foreach (var (wrong, named) in NumberRules.Check(schema.Type, schema.Rules, value, number))
            {
                Invalid(value.ToJsonString(), wrong, named, to);
            }
        }
    }

    private void Text(ValueRules rules, string text, Verdict to)
    {
        if (!Afford(text.Length))
        {
            return;
        }
        var shown = $"\"{text}\"";
        var length = rules.MaxLength is null && rules.MinLength is null ? 0 : text.EnumerateRunes().Count();
        if (length > rules.MaxLength)
        {
            Add(to, "FieldValueTooLong", Problems.LongerThan(rules.MaxLength!.Value), Field);
        }
        else if (length < rules.MinLength)
        {
            Invalid(shown, $"should be at least {rules.MinLength} chars long", true, to);
        }
        else if (rules.Pattern.Length > 0 && !IsMatch(rules, text))
        {
            Invalid(shown, $"should match '{rules.Pattern}'", true, to);
        }
        if (rules.Format.Length > 0 && !FormatRules.IsRight(rules.Format, text))
        {
            Add(to, "FieldValueTypeInvalid", $"Invalid value: {shown}: {Name} in body must be of type {rules.FormatName}: {shown}", Field);
        }
    }

    private bool IsMatch(ValueRules rules, string text)
    {
        var start = _clock.GetTimestamp();
        try
        {
            return rules.Regex?.IsMatch(text) != false;
        }
        catch (RegexMatchTimeoutException)
        {
            _slow = true;
            return false;
        }
        finally
        {
            _matching += _clock.GetElapsedTime(start);
            _slow |= _matching > s_mostMatching;
        }
    }

    private void List(StructuralSchema schema, JsonArray list, JsonArray? old, Verdict to)
    {
        if (schema.Items is { } items)
        {
            var before = old is null || schema.ListType != "map" ? null : ListRules.ByKey(schema, old);
            for (var i = 0; i < list.Count; i++)
            {
                _path.Push(i);
                Below(items, list[i], before?.GetValueOrDefault(ListRules.KeyOf(schema, list[i])), to);
                _path.Pop();
            }
        }
        if (schema.Rules is not { } rules)
        {
            return;
        }
        if (list.Count < rules.MinItems)
        {
            Invalid($"{list.Count}", $"should have at least {rules.MinItems} items", true, to);
        }
        if (list.Count > rules.MaxItems)
        {
            TooMany(list.Count, rules.MaxItems, to);
        }
    }

    private void Object(StructuralSchema schema, JsonObject map, JsonObject? old, Verdict to)
    {
        if (schema.Rules is { } sizes)
        {
            if (map.Count < sizes.MinProperties)
            {
                Invalid($"{map.Count}", $"should have at least {sizes.MinProperties} properties", true, to);
            }
            if (map.Count > sizes.MaxProperties)
            {
                TooMany(map.Count, sizes.MaxProperties, to);
            }
        }
        if (!Afford(map.Count + (schema.Rules?.Required.Count ?? 0)))
        {
            return;
        }
        foreach (var (name, value) in map)
        {
            if (schema.Field(name) is { } field)
            {
                _path.Push(name);
                var isTyped = _prefix.Length == 0 && map.Parent is null && name is "apiVersion" or "kind";
                Below(field, value, isTyped ? null : old?[name], to);
                _path.Pop();
            }
            else if (schema.AllowsAdditional == false)
            {
                Add(to, "FieldValueInvalid", $"Invalid value: \"{name}\": {Name}.{name} in body is a forbidden property", Field);
            }
        }
        foreach (var name in schema.Rules?.Required ?? [])
        {
            if (!map.ContainsKey(name))
            {
                Add(to, "FieldValueRequired", "Required value", Prefixed(_path.With(name)));
            }
        }
    }

    private void Enum(StructuralSchema schema, JsonNode? value, Verdict to)
    {
        if (schema.Rules is not { Enum: { Count: > 0 } allowed })
        {
            return;
        }
        if (_left <= 0 || _slow)
        {
            return;
        }
        var text = JsonText.Of(value);
        Afford(text.Length + allowed.Count);
        if (!allowed.Contains(text))
        {
            var listed = string.Join(", ", allowed.Select(a => a.StartsWith('"') ? a : $"\"{a}\""));
            Afford(listed.Length);
            Add(to, "FieldValueNotSupported", $"Unsupported value: {text}: supported values: {listed}", Field);
        }
    }

    private void TooMany(int count, long? most, Verdict to) =>
        Add(to, "FieldValueTooMany", Problems.MoreThan(count, most!.Value), Field);

    /// <param name="shown">The value as it is shown.</param>
    /// <param name="wrong">What is wrong with it.</param>
    /// <param name="named">Whether upstream knows the field.</param>
    /// <param name="to">Takes the error.</param>
    private void Invalid(string shown, string wrong, bool named, Verdict to) => Add(
        to, "FieldValueInvalid", named ? $"Invalid value: {shown}: {Name} in body {wrong}" : $"Invalid value: \"\": {wrong} in {Name}", named ? Field : NoField);

    private void Add(Verdict to, string reason, string message, string field)
    {
        _left -= ErrorCost;
        to.Add(new FieldError(reason, message, field));
    }

    private string Name => _path.Text;

    private string Field => Prefixed(_path.Text);

    private string Prefixed(string path) => _prefix.Length == 0 ? path : path.Length == 0 ? _prefix : $"{_prefix}.{path}";

    /// <summary>What is wrong with a value, and how much was looked at in it.</summary>
    private sealed class Verdict
    {
        private List<FieldError>? _errors;

        /// <summary>The first errors.</summary>
        public IReadOnlyList<FieldError> Errors => _errors ?? (IReadOnlyList<FieldError>)[];

        public bool Failed { get; private set; }

        public int Matches { get; set; }

        public void Merge(Verdict other)
        {
            foreach (var error in other.Errors)
            {
                Add(error);
            }
            Matches += other.Matches;
        }

        public void Forgive()
        {
            _errors = null;
            Failed = false;
        }

        public void Add(FieldError error)
        {
            Failed = true;
            _errors ??= [];
            if (_errors.Count < MostErrors && !_errors.Contains(error))
            {
                _errors.Add(error);
            }
        }
    }
}
