using System.CommandLine;
using System.CommandLine.Completions;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>A verb in the shape of kn's: <c>serval NOUN VERB [NAME]</c>.</summary>
internal abstract class KnVerb(CliContext context, string name, string description, params string[] examples) : RemoteVerb(context, name, description, examples)
{
    private static readonly TimeSpan s_completionPatience = TimeSpan.FromSeconds(1);

    /// <summary>The argument that names an object of the kind.</summary>
    protected Argument<string> NameOf(ResourceKind kind)
    {
        var name = new Argument<string>("name") { Description = $"The {ObjectWatch.Word(kind)}", HelpName = "NAME" };
        Complete(name, kind);
        return name;
    }

    /// <summary>Lets shells complete names of the kind.</summary>
    protected void Complete(Argument name, ResourceKind kind) => name.CompletionSources.Add(completion => Names(kind, completion));

    protected void Complete(Option name, ResourceKind kind) => name.CompletionSources.Add(completion => Names(kind, completion));

    /// <summary>The object, which must exist.</summary>
    protected static async Task<JsonObject> GetAsync(RemoteClient client, ResourceKind kind, string ns, string name, CancellationToken ct) =>
        await client.FindAsync(ResourcePath.Of(kind, ns, name), ct)
        ?? throw new CliException(ExitCodes.NotFound, $"there is no {ObjectWatch.Word(kind)} '{name}' in namespace '{ns}'; see `serval {ObjectWatch.Word(kind)} list -A`");

    // A shell waits for it, and shows nothing else: a second at the most, and no word about what went wrong.
    private IEnumerable<CompletionItem> Names(ResourceKind kind, CompletionContext completion)
    {
        using var patience = new CancellationTokenSource(s_completionPatience, Context.Time);
        try
        {
            return [.. NamesAsync(kind, completion.ParseResult, patience.Token).GetAwaiter().GetResult().Select(n => new CompletionItem(n))];
        }
        catch (Exception e) when (e is CliException or ApiException or OperationCanceledException or IOException)
        {
            return [];
        }
    }

    private async Task<IEnumerable<string>> NamesAsync(ResourceKind kind, ParseResult parse, CancellationToken ct)
    {
        using var client = Connect(parse);
        return (await ObjectList.ReadAsync(client, kind, NamespaceOf(parse, client), ct)).Select(o => (string?)o["metadata"]?["name"] ?? "");
    }

    /// <summary>Writes an object as json, yaml, its name or its URL; false when a text for people is wanted.</summary>
    protected bool TryWrite(string? format, ResourceKind kind, JsonObject obj)
    {
        switch (format)
        {
            case null:
                return false;
            case "name":
                Context.Out.WriteLine($"{ApplyCommand.Reference(kind)}/{(string?)obj["metadata"]?["name"]}");
                return true;
            case "url":
                Context.Out.WriteLine((string?)obj["status"]?["url"]);
                return true;
            default:
                return Printer.TryWrite(Context.Out, format, () => obj);
        }
    }
}
