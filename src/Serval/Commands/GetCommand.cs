using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval get</c>: shows objects as the server's tables, or whole.</summary>
internal sealed class GetCommand : RemoteVerb
{
    private readonly Argument<string[]> _target = new("target") { Description = "KIND, KIND NAME…, or KIND/NAME…", HelpName = "KIND NAME", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _all = new("--all-namespaces", "-A") { Description = "Of all namespaces" };
    private readonly Option<string?> _selector = new("--selector", "-l") { Description = "Only objects with these labels: a=b,c!=d", HelpName = "LABELS" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml", "name", "wide");

    public GetCommand(CliContext context)
        : base(context, "get", "Show objects", "serval get ksvc", "serval get revisions,pods -A", "serval get ksvc hello -o yaml", "serval get pods -l serving.knative.dev/service=hello")
    {
        Add(_target);
        Add(_all);
        Add(_selector);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var queries = await QueriesAsync(parse, client, ct);
        var format = parse.GetValue(_output);
        if (format is "json" or "yaml" or "name")
        {
            await WriteObjectsAsync(client, queries, format, ct);
            return ExitCodes.Ok;
        }
        var tables = new List<ServerTable>();
        foreach (var query in queries)
        {
            tables.Add(await ServerTable.ReadAsync(client, query.Kind, query.Path, ct));
        }
        Write(tables, parse, client);
        return ExitCodes.Ok;
    }

    private async Task<IReadOnlyList<(ResourceKind Kind, string Path)>> QueriesAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var everywhere = parse.GetValue(_all);
        var selector = parse.GetValue(_selector) ?? "";
        var catalog = new ResourceCatalog(client);
        var queries = new List<(ResourceKind, string)>();
        foreach (var (word, names) in TargetWords.Read(parse.GetValue(_target)!))
        {
            if (names.Count > 0 && (everywhere || selector.Length > 0))
            {
                throw new CliException(ExitCodes.Usage, "a name cannot be combined with -A or -l; leave one of them out");
            }
            foreach (var kind in await catalog.FindAsync(word, ct))
            {
                var ns = everywhere ? null : NamespaceOf(parse, client);
                queries.AddRange(names.Count > 0
                    ? names.Select(n => (kind, ResourcePath.Of(kind, ns, n)))
                    : [(kind, ResourcePath.Of(kind, ns, query: [("labelSelector", selector)]))]);
            }
        }
        return queries;
    }

    private async Task WriteObjectsAsync(RemoteClient client, IReadOnlyList<(ResourceKind Kind, string Path)> queries, string format, CancellationToken ct)
    {
        var answers = new List<JsonObject>();
        foreach (var (_, path) in queries)
        {
            answers.Add(await client.GetAsync(path, ct));
        }
        if (format == "name")
        {
            foreach (var ((kind, _), answer) in queries.Zip(answers))
            {
                foreach (var item in ObjectList.Items(answer))
                {
                    await Context.Out.WriteLineAsync($"{ApplyCommand.Reference(kind)}/{(string?)item["metadata"]?["name"]}");
                }
            }
            return;
        }
        Printer.TryWrite(Context.Out, format, () => answers is [var one] ? one : ObjectList.Join(answers.SelectMany(ObjectList.Items)));
    }

    private void Write(List<ServerTable> tables, ParseResult parse, RemoteClient client)
    {
        var shown = tables.Where(t => t.Rows.Count > 0).ToArray();
        if (shown.Length == 0)
        {
            Context.Error.WriteLine(parse.GetValue(_all) ? "No resources found." : $"No resources found in namespace {NamespaceOf(parse, client)}.");
            return;
        }
        foreach (var (index, group) in shown.GroupBy(t => t.Kind).Index())
        {
            if (index > 0)
            {
                Context.Out.WriteLine();
            }
            ServerTable.Join([.. group]).Write(
                Context.Out, wide: parse.GetValue(_output) == "wide", namespaces: parse.GetValue(_all) && group.Key.Namespaced, prefix: shown.Select(t => t.Kind).Distinct().Count() > 1);
        }
    }
}
