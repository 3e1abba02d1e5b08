using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands.Kn;

/// <summary><c>serval domain</c>.</summary>
internal sealed class DomainCommand : Command
{
    public DomainCommand(CliContext context)
        : base("domain", "Lead host names of your own to services")
    {
        Aliases.Add("domains");
        Add(new DomainCreateCommand(context));
        Add(new DomainUpdateCommand(context));
        Add(new DomainListCommand(context));
        Add(new DomainDescribeCommand(context));
        Add(new DomainDeleteCommand(context));
    }
}
