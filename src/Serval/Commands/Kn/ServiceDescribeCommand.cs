using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Serving;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service describe</c>.</summary>
internal sealed class ServiceDescribeCommand(CliContext context) : KnDescribeVerb(
    context, Kinds.KService, ["json", "yaml", "name", "url"], "serval service describe hello", "serval service describe hello -v", "curl $(serval service describe hello -o url)")
{
    protected override async Task<Outline> DescribeAsync(RemoteClient client, string ns, JsonObject obj, bool verbose, CancellationToken ct)
    {
        var revisions = await ObjectList.ReadAsync(client, Kinds.Revision, ns, ct, ("labelSelector", $"{KnativeNames.ServiceLabel}={obj.Object("metadata").String("name")}"));
        return ServiceDescription.Of(obj, revisions, verbose, Context.Time.GetUtcNow());
    }
}
