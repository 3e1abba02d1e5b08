using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval domain update</c>.</summary>
internal sealed class DomainUpdateCommand(CliContext context) : DomainWriteVerb(
    context,
    "update",
    "Lead a host name elsewhere",
    needsRef: false,
    "serval domain update shop.example.com --ref other",
    "serval domain update shop.example.com --tls ''")
{
    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var (ns, name) = (NamespaceOf(parse, client), parse.GetRequiredValue(Domain));
        var current = await GetAsync(client, Kinds.DomainMapping, ns, name, ct);
        if (current.Object("metadata").Has("deletionTimestamp"))
        {
            throw new CliException(ExitCodes.Failed, $"can't update domain mapping '{name}' because it has been marked for deletion");
        }
        var spec = await SpecAsync(parse, client, ns, ct);
        if (spec.Count == 0)
        {
            throw new CliException(ExitCodes.Usage, $"nothing is to be changed; say what, for example `serval domain update {name} --ref NAME`");
        }
        var path = ResourcePath.Of(Kinds.DomainMapping, ns, name, query: ObjectApply.WriteQuery());
        await client.SendAsync(HttpMethod.Patch, path, new JsonObject { ["spec"] = spec }, "application/merge-patch+json", ct);
        await Context.Out.WriteLineAsync($"Domain mapping '{name}' updated in namespace '{ns}'.");
        return ExitCodes.Ok;
    }
}
