using System.CommandLine;

namespace Serval.Commands.Kn;

/// <summary><c>--NAME</c> and <c>--no-NAME</c>.</summary>
internal sealed class YesNoOption
{
    private readonly Option<bool> _yes;
    private readonly Option<bool> _no;

    public YesNoOption(Command verb, string name, string description)
    {
        verb.Add(_yes = new Option<bool>("--" + name) { Description = description });
        verb.Add(_no = new Option<bool>("--no-" + name) { Description = $"The opposite of --{name}" });
    }

    /// <summary>What was said; null when nothing was.</summary>
    public bool? Read(ParseResult parse)
    {
        if (parse.GetResult(_no) is { Implicit: false })
        {
            return !parse.GetValue(_no);
        }
        return parse.GetResult(_yes) is { Implicit: false } ? parse.GetValue(_yes) : null;
    }
}
