using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Fields;

/// <summary>Whether a tree is of a type; texts are those clients know. (structured-merge-diff: typed/validate.go.)</summary>
internal sealed class TypedCheck
{
    private const int MaxProblems = 100;

    private readonly List<string> _problems = [];
    private readonly List<PathElement> _path = [];

    public static IReadOnlyList<string> Run(JsonObject tree, FieldType type)
    {
        var check = new TypedCheck();
        check.Value(tree, type);
        return check._problems;
    }

    private void Value(JsonNode? value, FieldType type)
    {
        if (value is null)
        {
            return;
        }
        switch (type.FormOf(value))
        {
            case FieldForm.Map when value is JsonObject map:
                Map(map, type.Map!);
                break;
            case FieldForm.List when value is JsonArray list:
                List(list, type.List!);
                break;
            case FieldForm.Scalar when type.Accepts(value.GetValueKind()):
                break;
            default:
                Report($"expected {Expected(type)}, got {Got(value)}");
                break;
        }
    }

    private void Map(JsonObject map, MapForm form)
    {
        foreach (var (key, value) in map)
        {
            _path.Add(PathElement.Field(key));
            if ((form.Field(key) ?? form.Element()) is { } type)
            {
                Value(value, type);
            }
            else
            {
                Report("field not declared in schema");
            }
            _path.RemoveAt(_path.Count - 1);
        }
    }

    private void List(JsonArray list, ListForm form)
    {
        var seen = new HashSet<PathElement>();
        for (var i = 0; i < list.Count; i++)
        {
            PathElement step;
            try
            {
                step = form.IsAtomic ? PathElement.Index(i) : ListItems.StepTo(list[i], form);
            }
            catch (FormatException e)
            {
                Report($"element {i}: {e.Message}");
                continue;
            }
            if (!seen.Add(step))
            {
                Report($"duplicate entries for key {step}");
            }
            _path.Add(step);
            Value(list[i], form.Item());
            _path.RemoveAt(_path.Count - 1);
        }
    }

    private void Report(string problem)
    {
        if (_problems.Count < MaxProblems)
        {
            _problems.Add($"{string.Concat(_path)}: {problem}");
        }
    }

    private static string Expected(FieldType type) => type switch
    {
        { Map: not null } => "map",
        { List: not null } => "list",
        { Scalar: ScalarForm.Number } => "numeric (int or float)",
        { Scalar: ScalarForm.Text } => "string",
        { Scalar: ScalarForm.Boolean } => "boolean",
        _ => "any scalar",
    };

    private static string Got(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.Object => "a map",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        _ => "boolean",
    };
}
