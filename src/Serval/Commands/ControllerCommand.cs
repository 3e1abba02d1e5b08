using System.CommandLine;
using Microsoft.Extensions.Logging;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Commands;

/// <summary><c>serval controller</c>: the reconcilers and the autoscaler.</summary>
internal sealed class ControllerCommand : ClusterRoleVerb
{
    private readonly Option<string> _workloads = new("--workloads")
    {
        Description = "Look after pods, Deployments, Jobs, definitions and garbage too: on, off where the cluster does (Kubernetes), auto asks the API server what it is",
        HelpName = "MODE",
        DefaultValueFactory = _ => "auto",
    };

    public ControllerCommand(CliContext context)
        : base(
            context,
            "controller",
            "Run the controllers and the autoscaler; of several one leads",
            "serval controller --kubeconfig ./data/kubeconfig-controller",
            "serval controller --workloads off")
    {
        _workloads.AcceptOnlyFromAmong("auto", "on", "off");
        Add(_workloads);
    }

    protected override async Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ClusterPart cluster, ILoggerFactory loggers, CancellationToken ct)
    {
        var workloads = parse.GetValue(_workloads) switch { "on" => true, "off" => false, _ => cluster.IsServal };
        var role = await ControllerRole.StartAsync(started, cluster, workloads, Context.Error.WriteLine, Context.Time, loggers, ct);
        return new RoleReady([("identity", role.Identity), ("workloads", workloads ? "on" : "off")], role.Running);
    }
}
