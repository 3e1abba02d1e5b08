using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>A verb that writes a service, waits for it and says where it is.</summary>
internal abstract class ServiceWriteVerb : KnVerb
{
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml", "name", "url");

    protected ServiceWriteVerb(CliContext context, string name, string description, params string[] examples)
        : base(context, name, description, examples)
    {
        Add(_output);
        Waits = new WaitOptions(this, byDefault: true);
    }

    protected WaitOptions Waits { get; }

    protected EditScene Scene(EditVerb verb, JsonObject? baseRevision = null) =>
        new() { Verb = verb, Now = Context.Time.GetUtcNow(), Random = RevisionName.RandomConsonants, BaseRevision = baseRevision };

    protected static Task<JsonObject> CreateAsync(RemoteClient client, ResourceKind kind, string ns, JsonObject obj, CancellationToken ct) =>
        client.SendAsync(HttpMethod.Post, ResourcePath.Of(kind, ns, query: ObjectApply.WriteQuery()), obj, "application/json", ct);

    /// <summary>Writes a service in the place of the <paramref name="current"/> one; null when another write came between.</summary>
    protected static async Task<JsonObject?> ReplaceAsync(RemoteClient client, string ns, JsonObject current, JsonObject service, CancellationToken ct)
    {
        var metadata = current.Object("metadata");
        service.Ensure("metadata")["resourceVersion"] = metadata.String("resourceVersion");
        service.Remove("status");
        try
        {
            return await client.SendAsync(HttpMethod.Put, ResourcePath.Of(Kinds.KService, ns, metadata.String("name"), query: ObjectApply.WriteQuery()), service, "application/json", ct);
        }
        catch (ApiException e) when (e.Code == 409)
        {
            return null;
        }
    }

    /// <summary>Waits when that is wanted, and tells how it ended.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="client">The server.</param>
    /// <param name="ns">The service's namespace.</param>
    /// <param name="name">Its name.</param>
    /// <param name="doing">Creating, Updating …</param>
    /// <param name="done">created, updated …</param>
    /// <param name="before">The revision that was ready before; empty when that does not matter.</param>
    /// <param name="ct">Ends the wait.</param>
    protected async Task<int> FinishAsync(ParseResult parse, RemoteClient client, string ns, string name, string doing, string done, string before, CancellationToken ct)
    {
        var waits = Waits.Wanted(parse);
        if (waits)
        {
            await Context.Error.WriteLineAsync($"{doing} service '{name}' in namespace '{ns}':\n");
            await Waits.ReadyAsync(parse, client, Context, Kinds.KService, ns, name, ct);
            await Context.Error.WriteLineAsync();
        }
        else if (parse.GetValue(_output) is null)
        {
            await Context.Out.WriteLineAsync($"Service '{name}' {done} in namespace '{ns}'.");
            return ExitCodes.Ok;
        }
        await TellAsync(parse, client, ns, name, done, before, ct);
        return ExitCodes.Ok;
    }

    /// <summary>The line for people when nothing was changed.</summary>
    protected async Task<int> UnchangedAsync(ParseResult parse, RemoteClient client, string ns, string name, string line, CancellationToken ct)
    {
        var service = await GetAsync(client, Kinds.KService, ns, name, ct);
        if (!TryWrite(parse.GetValue(_output), Kinds.KService, service))
        {
            await Context.Out.WriteLineAsync(line);
        }
        return ExitCodes.Ok;
    }

    protected async Task TellAsync(ParseResult parse, RemoteClient client, string ns, string name, string done, string before, CancellationToken ct)
    {
        var service = await GetAsync(client, Kinds.KService, ns, name, ct);
        if (TryWrite(parse.GetValue(_output), Kinds.KService, service))
        {
            return;
        }
        var status = service.Object("status");
        var revision = status.String("latestReadyRevisionName");
        var what = before.Length > 0 && before == revision ? $"with latest revision '{revision}' (unchanged)" : $"{done} to latest revision '{revision}'";
        await Context.Out.WriteLineAsync($"Service '{name}' {what} is available at URL:\n{status.String("url")}");
    }
}
