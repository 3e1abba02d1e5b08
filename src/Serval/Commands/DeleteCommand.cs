using System.CommandLine;
using Serval.Api;
using Serval.Cli;
using Serval.Manifests;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval delete</c>: by manifest, or by kind and names.</summary>
internal sealed class DeleteCommand : RemoteVerb
{
    private readonly Argument<string[]> _target = new("target") { Description = "KIND NAME…, or KIND/NAME…", HelpName = "KIND NAME", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string[]> _files = new("--filename", "-f") { Description = "Delete the objects of these files instead", HelpName = "FILE" };
    private readonly Option<bool> _ignore = new("--ignore-not-found") { Description = "Succeed when the object does not exist" };
    private readonly Option<string?> _output = SharedOptions.Output("name");

    public DeleteCommand(CliContext context)
        : base(context, "delete", "Delete objects", "serval delete ksvc hello", "serval delete -f service.yaml", "serval delete ksvc/hello configmap/settings --ignore-not-found")
    {
        Add(_target);
        Add(_files);
        Add(_ignore);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var words = parse.GetValue(_target) ?? [];
        var files = parse.GetValue(_files) ?? [];
        if ((words.Length == 0) == (files.Length == 0))
        {
            throw new CliException(ExitCodes.Usage, "say what to delete: either KIND NAME or -f FILE, for example `serval delete ksvc hello`");
        }
        var catalog = new ResourceCatalog(client);
        var targets = files.Length > 0 ? await FromFilesAsync(files, catalog, client, parse, ct) : await FromWordsAsync(words, catalog, client, parse, ct);
        var code = ExitCodes.Ok;
        foreach (var (kind, ns, name) in targets)
        {
            code = Math.Max(code, await DeleteAsync(client, kind, ns, name, parse, ct));
        }
        return code;
    }

    private async Task<int> DeleteAsync(RemoteClient client, ResourceKind kind, string ns, string name, ParseResult parse, CancellationToken ct)
    {
        try
        {
            await client.DeleteAsync(ResourcePath.Of(kind, ns, name), "Background", ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            if (parse.GetValue(_ignore))
            {
                return ExitCodes.Ok;
            }
            await Context.Error.WriteLineAsync($"{Context.Paint("error:", "31;1")} {e.Message}");
            return ExitCodes.NotFound;
        }
        var reference = ApplyCommand.Reference(kind);
        await Context.Out.WriteLineAsync(parse.GetValue(_output) == "name" ? $"{reference}/{name}" : $"{reference} \"{name}\" deleted");
        return ExitCodes.Ok;
    }

    private async Task<IReadOnlyList<(ResourceKind Kind, string Namespace, string Name)>> FromFilesAsync(
        string[] files, ResourceCatalog catalog, RemoteClient client, ParseResult parse, CancellationToken ct)
    {
        var targets = new List<(ResourceKind, string, string)>();
        foreach (var document in await ManifestSource.ReadAsync(files, Context.In, ct))
        {
            var kind = await catalog.FindAsync(document.ApiVersion, document.Kind, document.Source, ct);
            targets.Add((kind, ManifestTarget.Namespace(kind, document, GivenNamespace(parse), client.Namespace), document.Name));
        }
        targets.Reverse(); // what was made last goes first
        return targets;
    }

    private async Task<IReadOnlyList<(ResourceKind Kind, string Namespace, string Name)>> FromWordsAsync(
        string[] words, ResourceCatalog catalog, RemoteClient client, ParseResult parse, CancellationToken ct)
    {
        var ns = NamespaceOf(parse, client);
        var targets = new List<(ResourceKind, string, string)>();
        foreach (var (kindWord, names) in TargetWords.Read(words))
        {
            if (names.Count == 0)
            {
                throw new CliException(ExitCodes.Usage, $"name what to delete: `serval delete {kindWord} NAME`");
            }
            foreach (var kind in await catalog.FindAsync(kindWord, ct))
            {
                targets.AddRange(names.Select(n => (kind, kind.Namespaced ? ns : "", n)));
            }
        }
        return targets;
    }
}
