using System.CommandLine;
using System.Net;
using Microsoft.Extensions.Logging;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Commands;

/// <summary><c>serval apiserver</c>: the store and the Kubernetes API.</summary>
internal sealed class ApiServerCommand : RoleVerb
{
    private readonly Option<int> _apiPort = ListenOptions.Port("--api-port", "Port of the Kubernetes API; 0 is any free one", 6443);
    private readonly Option<IPAddress> _listen = ListenOptions.Address();
    private readonly Option<IPNetwork?> _serviceCidr = ListenOptions.ServiceCidr();
    private readonly Option<string> _audit = ListenOptions.Audit();

    public ApiServerCommand(CliContext context)
        : base(
            context,
            "apiserver",
            "Run the Kubernetes API and its store alone",
            "serval apiserver --data-dir ./data",
            "serval apiserver --listen 0.0.0.0 --api-port 6443 --audit all")
    {
        Add(_apiPort);
        Add(_listen);
        Add(_serviceCidr);
        Add(_audit);
    }

    protected override async Task<RoleReady> StartAsync(ParseResult parse, StartedParts started, ILoggerFactory loggers, CancellationToken ct)
    {
        var options = new ServalOptions
        {
            DataDirectory = SharedOptions.DataDirectoryOf(parse, Context), ApiPort = parse.GetValue(_apiPort), ListenAddress = parse.GetValue(_listen)!,
            Audit = ListenOptions.AuditLevel(parse, _audit),
            ServiceCidr = parse.GetValue(_serviceCidr),
        };
        DataDirectory.Prepare(options.DataDirectory, Context.Warn);
        var api = await ApiServerRole.StartAsync(started, options, Context.Time, loggers, ct);
        return new RoleReady(("api", api.Address.GetLeftPart(UriPartial.Authority)), ("kubeconfig", api.KubeconfigPath), ("dataDirectory", options.DataDirectory));
    }
}
