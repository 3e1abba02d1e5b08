using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Commands;

/// <summary><c>serval gateway</c>: the data plane.</summary>
internal sealed class GatewayCommand : ClusterRoleVerb
{
    private readonly Option<int> _httpPort = ListenOptions.Port("--http-port", "Port of the gateway; 0 is any free one", 8880);
    private readonly Option<int> _httpsPort = ListenOptions.Port("--https-port", "Port of the gateway for TLS; 0 is any free one", ServalOptions.DefaultHttpsPort);
    private readonly PeerOptions _peer = new("Name of this gateway (default: the machine's, and the port)");

    public GatewayCommand(CliContext context)
        : base(
            context,
            "gateway",
            "Run a gateway: requests to services come in here",
            "serval gateway --kubeconfig ./data/kubeconfig-gateway",
            "serval gateway --listen 0.0.0.0 --advertise 192.0.2.7 --http-port 80 --https-port 443")
    {
        Add(_httpPort);
        Add(_httpsPort);
        _peer.AddTo(this);
    }

    protected override async Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ClusterPart cluster, ILoggerFactory loggers, CancellationToken ct)
    {
        var options = _peer.Read(parse) with { HttpPort = parse.GetValue(_httpPort), HttpsPort = parse.GetValue(_httpsPort) };
        var (name, doors) = await GatewayRole.StartAsync(started, cluster, options, Context.Time, loggers, ct);
        return new RoleReady(
            ("name", name), ("gateway", Url("http", doors.Open.Ip, doors.Open.Port)), ("secureGateway", Url("https", doors.Open.Ip, doors.Secure)),
            ("privateGateway", Url("http", doors.Inside.Ip, doors.Inside.Port)));
    }

    private static string Url(string scheme, string ip, int port) => $"{scheme}://{new IPEndPoint(IPAddress.Parse(ip), port)}";
}
