using System.Text;

namespace Serval.Api.Schema;

/// <summary>
/// Where a pass over an object is. Pushing is free of allocation; text is made only when something is to be said, and has the beginning of keys
/// that are long, and of a long path.
/// </summary>
public sealed class DecodePath
{
    private Step[] _steps = new Step[16];
    private int _count;

    public bool IsMetadata => _count > 0 && _steps[0].Name == "metadata";

    /// <summary><c>spec.containers[0].image</c>.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder();
            foreach (ref readonly var step in _steps.AsSpan(0, _count))
            {
                if (text.Length > TextLimit.Path)
                {
                    break;
                }
                if (step.Name is null)
                {
                    text.Append('[').Append(step.Index).Append(']');
                }
                else
                {
                    text.Append(text.Length > 0 ? "." : "").Append(TextLimit.First(step.Name, TextLimit.PathStep));
                }
            }
            return text.ToString();
        }
    }

    /// <summary>What Go's decoder prints: the innermost type, then the fields' names without indexes and map keys.</summary>
    public string GoField
    {
        get
        {
            var steps = _steps.AsSpan(0, _count).ToArray().Where(s => s.Owner is not null).ToList();
            return steps.Count == 0 ? "" : $"{steps[^1].Owner!.Name}.{string.Join('.', steps.Select(s => s.Owner!.GoPath(s.Name!)))}";
        }
    }

    /// <summary>The path of a member of what the pass is at.</summary>
    public string With(string name) => $"{(_count == 0 ? "" : $"{Text}.")}{TextLimit.First(name, TextLimit.PathStep)}";

    public void Push(TypeSchema owner, FieldSchema field) => Push(new Step(owner, field.Name, 0));

    public void Push(string key) => Push(new Step(null, key, 0));

    public void Push(int index) => Push(new Step(null, null, index));

    public void Pop() => _count--;

    private void Push(Step step)
    {
        if (_count == _steps.Length)
        {
            Array.Resize(ref _steps, _count * 2);
        }
        _steps[_count++] = step;
    }

    private readonly record struct Step(TypeSchema? Owner, string? Name, int Index);
}
