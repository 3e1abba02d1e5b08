namespace Serval.Kn;

/// <summary>Facts below each other, their values in a column: <c>Name:  hello</c>. Parts lie deeper and have a column of their own.</summary>
internal sealed class Outline
{
    private readonly List<(string Label, string? Value, Outline? Part, int Indent)> _lines = [];

    /// <summary>A fact; one without a value is left out.</summary>
    public Outline Fact(string label, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            _lines.Add((label + ":", value, null, 0));
        }
        return this;
    }

    /// <summary>Values below each other, the first beside the label.</summary>
    public Outline Facts(string label, IEnumerable<string> values)
    {
        foreach (var (index, value) in values.Index())
        {
            _lines.Add((index == 0 ? label + ":" : "", value, null, 0));
        }
        return this;
    }

    /// <summary>A line as it is.</summary>
    public Outline Line(string text = "")
    {
        _lines.Add((text, null, null, 0));
        return this;
    }

    /// <summary>A line as it is, and a part below it.</summary>
    public Outline Part(string heading, Outline part, int indent = 2) => Line(heading).Append(part, indent);

    /// <summary>Another outline, with its own column.</summary>
    public Outline Append(Outline part, int indent = 0)
    {
        _lines.Add(("", null, part, indent));
        return this;
    }

    public void Write(TextWriter target, int margin = 0)
    {
        var width = _lines.Where(l => l.Value is not null).Select(l => l.Label.Length).DefaultIfEmpty(0).Max();
        foreach (var (label, value, part, indent) in _lines)
        {
            if (part is not null)
            {
                part.Write(target, margin + indent);
                continue;
            }
            target.WriteLine((new string(' ', margin) + (value is null ? label : $"{label.PadRight(width)}  {value}")).TrimEnd());
        }
    }
}
