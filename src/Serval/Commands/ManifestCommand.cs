using System.CommandLine;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Commands;

/// <summary><c>serval manifest</c>: what a Kubernetes cluster needs for Serval's roles to work on it.</summary>
internal sealed class ManifestCommand : Verb
{
    private readonly Option<string> _workloads = new("--workloads")
    {
        Description = "on: for an API server alone, where `serval controller --workloads on` looks after pods and Deployments too",
        HelpName = "MODE",
        DefaultValueFactory = _ => "off",
    };

    public ManifestCommand(CliContext context)
        : base(
            context,
            "manifest",
            "Print what a Kubernetes cluster of yours needs for Serval: definitions, settings, service accounts, rights",
            "serval manifest | kubectl apply --server-side -f -",
            "serval manifest --workloads on > serval.yaml")
    {
        _workloads.AcceptOnlyFromAmong("on", "off");
        Add(_workloads);
    }

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        foreach (var tree in ClusterManifest.Objects(parse.GetValue(_workloads) == "on"))
        {
            await Context.Out.WriteLineAsync("---");
            _ = Printer.TryWrite(Context.Out, "yaml", () => tree);
        }
        return ExitCodes.Ok;
    }
}
