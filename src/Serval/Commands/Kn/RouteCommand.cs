using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands.Kn;

/// <summary><c>serval route</c>.</summary>
internal sealed class RouteCommand : Command
{
    public RouteCommand(CliContext context)
        : base("route", "Show routes of services")
    {
        Aliases.Add("routes");
        Add(new RouteListCommand(context));
        Add(new RouteDescribeCommand(context));
    }
}
