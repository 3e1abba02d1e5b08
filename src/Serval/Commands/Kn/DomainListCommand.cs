using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval domain list</c>.</summary>
internal sealed class DomainListCommand(CliContext context)
    : KnListVerb(context, Kinds.DomainMapping, "List host names and what they lead to", "serval domain list", "serval domain list -A", "serval domain list -o json")
{
    protected override IReadOnlyList<string> Headers => ["Name", "URL", "Ready", "Ksvc"];

    protected override IReadOnlyList<string> Row(JsonObject obj, DateTimeOffset now) =>
    [
        obj.Object("metadata").String("name"), obj.Object("status").String("url"), Conditions.Ready(obj)?.Status ?? "<unknown>",
        obj.Object("spec").Object("ref").String("name"),
    ];
}
