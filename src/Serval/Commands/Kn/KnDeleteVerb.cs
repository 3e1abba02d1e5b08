using System.CommandLine;
using Serval.Api;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>A verb that deletes objects by name, or those it finds itself.</summary>
internal abstract class KnDeleteVerb : KnVerb
{
    private readonly Argument<string[]> _names;
    private readonly WaitOptions _waits;
    private readonly ResourceKind _kind;

    protected KnDeleteVerb(CliContext context, ResourceKind kind, params string[] examples)
        : base(context, "delete", $"Delete {ObjectWatch.Word(kind)}s", examples)
    {
        _kind = kind;
        _names = new Argument<string[]>("name") { Description = $"The {ObjectWatch.Word(kind)}s", HelpName = "NAME", Arity = ArgumentArity.ZeroOrMore };
        Complete(_names, kind);
        Add(_names);
        _waits = new WaitOptions(this, byDefault: false, fails: false);
    }

    /// <summary>The options that stand for names; empty when there are none.</summary>
    protected virtual string Choices => "";

    /// <summary>Whether one of them is given.</summary>
    protected virtual bool Chooses(ParseResult parse) => false;

    /// <summary>The names they stand for.</summary>
    protected virtual Task<IReadOnlyList<string>> ChosenAsync(ParseResult parse, RemoteClient client, string ns, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>What is said when options find nothing.</summary>
    protected virtual string Nothing => $"No {ObjectWatch.Word(_kind)}s found.";

    protected abstract string Done(string name, string ns);

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var ns = NamespaceOf(parse, client);
        IReadOnlyList<string> names = parse.GetValue(_names) ?? [];
        if (names.Count > 0 == Chooses(parse))
        {
            throw new CliException(ExitCodes.Usage, $"say which {ObjectWatch.Word(_kind)}s to delete: {(Choices.Length > 0 ? $"either by NAME or with {Choices}" : "give a NAME")}");
        }
        if (names.Count == 0 && (names = await ChosenAsync(parse, client, ns, ct)).Count == 0)
        {
            await Context.Error.WriteLineAsync(Nothing);
        }
        var code = ExitCodes.Ok;
        foreach (var name in names)
        {
            code = Math.Max(code, await DeleteAsync(parse, client, ns, name, ct));
        }
        return code;
    }

    private async Task<int> DeleteAsync(ParseResult parse, RemoteClient client, string ns, string name, CancellationToken ct)
    {
        try
        {
            var waits = _waits.Wanted(parse);
            var seen = await GetAsync(client, _kind, ns, name, ct);
            await client.DeleteAsync(ResourcePath.Of(_kind, ns, name), waits ? "Foreground" : "Background", ct);
            if (waits)
            {
                await _waits.GoneAsync(parse, client, Context, _kind, ns, name, seen, ct);
            }
        }
        catch (CliException e) when (e.ExitCode == ExitCodes.NotFound)
        {
            // The others are deleted all the same.
            await Context.Error.WriteLineAsync($"{Context.Paint("error:", "31;1")} {e.Message}");
            return e.ExitCode;
        }
        await Context.Out.WriteLineAsync(Done(name, ns));
        return ExitCodes.Ok;
    }
}
