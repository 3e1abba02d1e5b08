using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval domain describe</c>.</summary>
internal sealed class DomainDescribeCommand(CliContext context) : KnDescribeVerb(
    context, Kinds.DomainMapping, ["json", "yaml", "name", "url"], "serval domain describe shop.example.com", "serval domain describe shop.example.com -o url")
{
    protected override Task<Outline> DescribeAsync(RemoteClient client, string ns, JsonObject obj, bool verbose, CancellationToken ct)
    {
        var now = Context.Time.GetUtcNow();
        var spec = obj.Object("spec");
        var target = spec.Object("ref");
        var reference = new Outline().Fact("APIVersion", target.String("apiVersion")).Fact("Kind", target.String("kind")).Fact("Name", target.String("name"));
        return Task.FromResult(Describing.Head(obj, verbose, now).Line().Fact("URL", obj.Object("status").String("url")).Fact("TLS", spec.Object("tls").String("secretName"))
            .Line().Part("Reference:", reference).Line().Append(Describing.ConditionTable(obj, verbose, now)));
    }
}
