using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands.Kn;

/// <summary><c>serval service</c>: Knative Services by name and flags, as kn has it.</summary>
internal sealed class ServiceCommand : Command
{
    public ServiceCommand(CliContext context)
        : base("service", "Manage services")
    {
        Aliases.Add("ksvc");
        Aliases.Add("services");
        Add(new ServiceCreateCommand(context));
        Add(new ServiceUpdateCommand(context));
        Add(new ServiceApplyCommand(context));
        Add(new ServiceListCommand(context));
        Add(new ServiceDescribeCommand(context));
        Add(new ServiceWaitCommand(context));
        Add(new ServiceExportCommand(context));
        Add(new ServiceImportCommand(context));
        Add(new ServiceDeleteCommand(context));
    }
}
