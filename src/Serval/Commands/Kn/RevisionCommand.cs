using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands.Kn;

/// <summary><c>serval revision</c>.</summary>
internal sealed class RevisionCommand : Command
{
    public RevisionCommand(CliContext context)
        : base("revision", "Manage revisions of services")
    {
        Aliases.Add("revisions");
        Add(new RevisionListCommand(context));
        Add(new RevisionDescribeCommand(context));
        Add(new RevisionDeleteCommand(context));
    }
}
