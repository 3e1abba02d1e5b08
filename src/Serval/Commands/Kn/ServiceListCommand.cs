using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Kn;

namespace Serval.Commands.Kn;

/// <summary><c>serval service list</c>.</summary>
internal sealed class ServiceListCommand(CliContext context)
    : KnListVerb(context, Kinds.KService, "List services", "serval service list", "serval service list -A", "serval service list hello -o json")
{
    protected override IReadOnlyList<string> Headers => ["Name", "URL", "Latest", "Age", "Conditions", "Ready", "Reason"];

    protected override IReadOnlyList<string> Row(JsonObject obj, DateTimeOffset now)
    {
        var status = obj.Object("status");
        return [obj.Object("metadata").String("name"), status.String("url"), status.String("latestReadyRevisionName"), Ages.Of(obj, now), .. ConditionCells(obj)];
    }
}
