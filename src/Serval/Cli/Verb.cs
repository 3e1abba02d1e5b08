using System.CommandLine;

namespace Serval.Cli;

/// <summary>One verb of the command line.</summary>
internal abstract class Verb : Command
{
    protected Verb(CliContext context, string name, string description, params string[] examples)
        : base(name, description)
    {
        Context = context;
        Examples = examples;
        SetAction(RunAsync);
    }

    /// <summary>Lines shown under "Examples:" in the help.</summary>
    public IReadOnlyList<string> Examples { get; }

    protected CliContext Context { get; }

    protected abstract Task<int> RunAsync(ParseResult parse, CancellationToken ct);
}
