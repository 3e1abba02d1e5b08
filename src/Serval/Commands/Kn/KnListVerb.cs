using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>A verb that lists the objects of a kind.</summary>
internal abstract class KnListVerb : KnVerb
{
    private readonly Argument<string?> _name;
    private readonly Option<bool> _all = new("--all-namespaces", "-A") { Description = "Of all namespaces" };
    private readonly Option<bool> _noHeaders = new("--no-headers") { Description = "Rows only" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml", "name");
    private readonly ResourceKind _kind;

    protected KnListVerb(CliContext context, ResourceKind kind, string description, params string[] examples)
        : base(context, "list", description, examples)
    {
        _kind = kind;
        _name = new Argument<string?>("name") { Description = $"Only this {ObjectWatch.Word(kind)}", HelpName = "NAME", Arity = ArgumentArity.ZeroOrOne };
        Complete(_name, kind);
        Aliases.Add("ls");
        Add(_name);
        Add(_all);
        Add(_noHeaders);
        Add(_output);
    }

    protected abstract IReadOnlyList<string> Headers { get; }

    protected abstract IReadOnlyList<string> Row(JsonObject obj, DateTimeOffset now);

    /// <summary>Labels the objects must have; empty for any.</summary>
    protected virtual string Selector(ParseResult parse) => "";

    /// <summary>Reads what the rows need besides the objects.</summary>
    protected virtual Task PrepareAsync(RemoteClient client, string? ns, CancellationToken ct) => Task.CompletedTask;

    /// <summary>The order within a namespace.</summary>
    protected virtual IOrderedEnumerable<JsonObject> Sort(IOrderedEnumerable<JsonObject> objects) =>
        objects.ThenBy(o => o.Object("metadata").String("name"), StringComparer.Ordinal);

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var everywhere = parse.GetValue(_all);
        var (ns, name) = (everywhere ? null : NamespaceOf(parse, client), parse.GetValue(_name));
        var path = ResourcePath.Of(_kind, ns, query: [("labelSelector", Selector(parse)), ("fieldSelector", name is null ? "" : $"metadata.name={name}")]);
        var answer = await client.GetAsync(path, ct);
        JsonObject[] objects = [.. Sort(ObjectList.Items(answer).OrderBy(o => o.Object("metadata").String("namespace"), StringComparer.Ordinal))];
        if (objects.Length == 0 && name is not null)
        {
            throw new CliException(ExitCodes.NotFound, $"there is no {ObjectWatch.Word(_kind)} '{name}' in {(ns is null ? "any namespace" : $"namespace '{ns}'")}; see `serval {ObjectWatch.Word(_kind)} list -A`");
        }
        var format = parse.GetValue(_output);
        if (format == "name")
        {
            Array.ForEach(objects, o => TryWrite(format, _kind, o));
        }
        else if (!Printer.TryWrite(Context.Out, format, () => ObjectList.Join(objects)))
        {
            await WriteAsync(client, ns, objects, header: !parse.GetValue(_noHeaders), ct);
        }
        return ExitCodes.Ok;
    }

    private async Task WriteAsync(RemoteClient client, string? ns, JsonObject[] objects, bool header, CancellationToken ct)
    {
        if (objects.Length == 0)
        {
            await Context.Error.WriteLineAsync($"No {ObjectWatch.Word(_kind)}s found.");
            return;
        }
        await PrepareAsync(client, ns, ct);
        var now = Context.Time.GetUtcNow();
        string[] Prefixed(string prefix, IReadOnlyList<string> cells) => ns is null ? [prefix, .. cells] : [.. cells];
        TableWriter.Write(
            Context.Out, Prefixed("Namespace", Headers), [.. objects.Select(o => Prefixed(o.Object("metadata").String("namespace"), Row(o, now)))], header);
    }

    /// <summary>Conditions in short: how many are true, and what Ready says.</summary>
    protected static IReadOnlyList<string> ConditionCells(JsonObject obj)
    {
        var conditions = Conditions.Of(obj);
        var ready = Conditions.Ready(obj);
        var reason = ready switch
        {
            null => "<unknown>",
            { Status: "True" } => "",
            { Message.Length: > 0 } => $"{ready.Reason} : {ready.Message}",
            _ => ready.Reason,
        };
        return [$"{conditions.Count(c => c.Status == "True")} OK / {conditions.Count}", ready?.Status ?? "<unknown>", reason.ReplaceLineEndings(" ")];
    }
}
