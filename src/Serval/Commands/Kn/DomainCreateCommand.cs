using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval domain create</c>.</summary>
internal sealed class DomainCreateCommand(CliContext context) : DomainWriteVerb(
    context,
    "create",
    "Lead a host name to a service",
    needsRef: true,
    "serval domain create shop.example.com --ref hello",
    "serval domain create shop.example.com --ref kroute:hello --tls shop-certificate")
{
    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var (ns, name) = (NamespaceOf(parse, client), parse.GetRequiredValue(Domain));
        var mapping = new JsonObject
        {
            ["apiVersion"] = Kinds.DomainMapping.ApiVersion,
            ["kind"] = Kinds.DomainMapping.Kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns },
            ["spec"] = await SpecAsync(parse, client, ns, ct),
        };
        await client.SendAsync(HttpMethod.Post, ResourcePath.Of(Kinds.DomainMapping, ns, query: ObjectApply.WriteQuery()), mapping, "application/json", ct);
        await Context.Out.WriteLineAsync($"Domain mapping '{name}' created in namespace '{ns}'.");
        return ExitCodes.Ok;
    }
}
