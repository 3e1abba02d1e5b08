using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval route list</c>.</summary>
internal sealed class RouteListCommand(CliContext context) : KnListVerb(context, Kinds.Route, "List routes", "serval route list", "serval route list -A", "serval route list hello -o yaml")
{
    protected override IReadOnlyList<string> Headers => ["Name", "URL", "Ready"];

    protected override IReadOnlyList<string> Row(JsonObject obj, DateTimeOffset now) =>
        [obj.Object("metadata").String("name"), obj.Object("status").String("url"), Conditions.Ready(obj)?.Status ?? "<unknown>"];
}
