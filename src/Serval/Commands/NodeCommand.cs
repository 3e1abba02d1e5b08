using System.CommandLine;
using Microsoft.Extensions.Logging;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Commands;

/// <summary><c>serval node</c>: runs pods.</summary>
internal sealed class NodeCommand : ClusterRoleVerb
{
    private readonly Option<string> _podNetwork = ListenOptions.PodNetwork();
    private readonly Option<int> _kubeletPort = ListenOptions.Port(
        "--kubelet-port", "Port at which an API server that is not Serval's reaches pods (kubectl logs, exec, port-forward); 0 is any free one", 0);
    private readonly PeerOptions _peer = new("Name of the Node (default: the machine's); its pods stay bound to it", "--node-name");

    public NodeCommand(CliContext context)
        : base(
            context,
            "node",
            "Run a node: pods run as processes of this machine",
            "serval node --kubeconfig ./data/kubeconfig-node --data-dir ./node",
            "serval node --node-name left --pod-network off")
    {
        Add(_podNetwork);
        Add(_kubeletPort);
        _peer.AddTo(this);
    }

    protected override async Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ClusterPart cluster, ILoggerFactory loggers, CancellationToken ct)
    {
        var options = _peer.Read(parse);
        options = options with
        {
            Name = options.Name.Length > 0 ? options.Name : Environment.MachineName.ToLowerInvariant(), DataDirectory = SharedOptions.DataDirectoryOf(parse, Context),
            PodNetwork = parse.GetValue(_podNetwork) == "auto", KubeletPort = parse.GetValue(_kubeletPort),
        };
        DataDirectory.Prepare(options.DataDirectory, Context.Warn);
        var node = await NodeRole.StartAsync(started, cluster, options, Context.ForcedEnd, Context.Time, loggers, ct);
        return new RoleReady(("name", options.Name), ("podNetwork", node.PodCidr), ("dataDirectory", options.DataDirectory));
    }
}
