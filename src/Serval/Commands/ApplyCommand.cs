using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Manifests;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval apply</c>: creates objects, or changes them to what their manifests say.</summary>
internal sealed class ApplyCommand : RemoteVerb
{
    private readonly Option<string[]> _files = new("--filename", "-f")
    {
        Description = "File or directory with YAML or JSON, or - for standard input; may be repeated", HelpName = "FILE", Required = true, AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml", "name");
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Let the server check everything but store nothing" };
    private readonly Option<bool> _wait = new("--wait") { Description = "Wait until every object with a Ready condition is ready" };
    private readonly Option<int> _timeout = new("--timeout") { Description = "Seconds to wait with --wait", HelpName = "SECONDS", DefaultValueFactory = _ => 60 };

    public ApplyCommand(CliContext context)
        : base(
            context,
            "apply",
            "Create or change objects from files",
            "serval apply -f service.yaml",
            "serval apply -f manifests/ --wait",
            "cat service.yaml | serval apply -n test -f -")
    {
        Add(_files);
        Add(_output);
        Add(_dryRun);
        Add(_wait);
        Add(_timeout);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var documents = await ManifestSource.ReadAsync(parse.GetValue(_files)!, Context.In, ct);
        var catalog = new ResourceCatalog(client);
        var results = new List<(ResourceKind Kind, string Verb, JsonObject Object)>();
        var failed = 0;
        foreach (var document in documents)
        {
            var kind = await catalog.FindAsync(document.ApiVersion, document.Kind, document.Source, ct);
            try
            {
                var (verb, result) = await ApplyAsync(client, kind, document, parse, ct);
                results.Add((kind, verb, result));
                Tell(parse, kind, verb, result);
            }
            catch (ApiException e)
            {
                // The other objects are applied all the same, as kubectl does.
                failed = failed == 0 ? CommandLineApp.CodeOf(e) : failed;
                await Context.Error.WriteLineAsync($"{Context.Paint("error:", "31;1")} {document.Source}: {e.Message}");
            }
        }
        WriteStructured(parse, results.Select(r => r.Object).ToArray());
        if (parse.GetValue(_wait) && !parse.GetValue(_dryRun))
        {
            var waiter = new ReadyWaiter(client, Context, TimeSpan.FromSeconds(parse.GetValue(_timeout)));
            foreach (var (kind, _, obj) in results)
            {
                await waiter.WaitAsync(kind, obj, ct);
            }
        }
        return failed;
    }

    private async Task<(string Verb, JsonObject Result)> ApplyAsync(
        RemoteClient client, ResourceKind kind, ManifestDocument document, ParseResult parse, CancellationToken ct)
    {
        var ns = ManifestTarget.Namespace(kind, document, GivenNamespace(parse), client.Namespace);
        var manifest = document.Tree;
        if (ns.Length > 0)
        {
            manifest["metadata"]!["namespace"] = ns;
        }
        var current = document.Name.Length == 0 ? null : await client.FindAsync(ResourcePath.Of(kind, ns, document.Name), ct);
        return await ObjectApply.RunAsync(client, kind, ns, manifest, current, ObjectApply.WriteQuery(parse.GetValue(_dryRun) ? "All" : ""), ct);
    }

    private void Tell(ParseResult parse, ResourceKind kind, string verb, JsonObject result)
    {
        var name = $"{Reference(kind)}/{(string?)result["metadata"]?["name"]}";
        switch (parse.GetValue(_output))
        {
            case null:
                Context.Out.WriteLine($"{name} {verb}{(parse.GetValue(_dryRun) ? " (dry run)" : "")}");
                break;
            case "name":
                Context.Out.WriteLine(name);
                break;
            default:
                break;
        }
    }

    private void WriteStructured(ParseResult parse, JsonObject[] objects)
    {
        if (objects.Length > 0)
        {
            Printer.TryWrite(Context.Out, parse.GetValue(_output), () => objects is [var one] ? one : ObjectList.Join(objects));
        }
    }

    internal static string Reference(ResourceKind kind) => kind.Group.Length == 0 ? kind.Singular : $"{kind.Singular}.{kind.Group}";
}
