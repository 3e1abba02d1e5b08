using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Composition;

namespace Serval.Commands;

/// <summary><c>serval up</c>: runs everything in this process until it is told to stop.</summary>
internal sealed class UpCommand : Verb
{
    private readonly Option<int> _httpPort = ListenOptions.Port("--http-port", "Port of the gateway; 0 is any free one", 8880);
    private readonly Option<int> _httpsPort = ListenOptions.Port("--https-port", "Port of the gateway for TLS; 0 is any free one, and the default beside --http-port 0", ServalOptions.DefaultHttpsPort);
    private readonly Option<int> _apiPort = ListenOptions.Port("--api-port", "Port of the Kubernetes API; 0 is any free one", 6443);
    private readonly Option<IPAddress> _listen = ListenOptions.Address();
    private readonly Option<string> _podNetwork = ListenOptions.PodNetwork();
    private readonly Option<IPNetwork?> _serviceCidr = ListenOptions.ServiceCidr();
    private readonly Option<string> _audit = ListenOptions.Audit();
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public UpCommand(CliContext context)
        : base(
            context,
            "up",
            "Run Serval: Kubernetes API, controllers, gateway and node in one process",
            "serval up",
            "serval up --data-dir ./data --http-port 0 --api-port 0",
            "kubectl --kubeconfig ~/.serval/kubeconfig get ksvc -A")
    {
        Add(_httpPort);
        Add(_httpsPort);
        Add(_apiPort);
        Add(_listen);
        Add(_podNetwork);
        Add(_serviceCidr);
        Add(_audit);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        var options = new ServalOptions
        {
            DataDirectory = SharedOptions.DataDirectoryOf(parse, Context),
            HttpPort = parse.GetValue(_httpPort),
            HttpsPort = parse.GetResult(_httpsPort) is { Implicit: false } ? parse.GetValue(_httpsPort) : -1,
            ApiPort = parse.GetValue(_apiPort),
            ListenAddress = parse.GetValue(_listen)!,
            Audit = ListenOptions.AuditLevel(parse, _audit),
            ServiceCidr = parse.GetValue(_serviceCidr),
            PodNetwork = parse.GetValue(_podNetwork) == "auto",
        };
        DataDirectory.Prepare(options.DataDirectory, Context.Warn);
        await using (var host = await StartAsync(options, ct))
        {
            try
            {
                Tell(parse, host, options.DataDirectory);
                await CancellationSignal.WaitAsync(ct);
                await Context.Error.WriteLineAsync("stopping (again to stop at once) …");
            }
            finally
            {
                RunState.Delete(options.DataDirectory);
            }
        }
        return ExitCodes.Ok;
    }

    private static string Text(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private async Task<IServalHost> StartAsync(ServalOptions options, CancellationToken ct)
    {
        try
        {
            return await Progress.RunAsync(Context, "starting", () => StartWithStateAsync(options, ct), ct);
        }
        catch (Exception e) when (e is SocketException or IOException { InnerException: SocketException } or IOException { InnerException.InnerException: SocketException })
        {
            throw new CliException(
                ExitCodes.Failed,
                $"cannot listen on {options.ListenAddress} with HTTP port {options.HttpPort} and API port {options.ApiPort} ({e.Message}); stop what uses them, or choose others with --http-port and --api-port (0 is any free one)",
                e);
        }
        catch (Exception e) when (StartFailure.Explain(e) is var (code, message))
        {
            throw new CliException(code, message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataDirectory.Unusable(options.DataDirectory, e);
        }
    }

    private async Task<IServalHost> StartWithStateAsync(ServalOptions options, CancellationToken ct)
    {
        var host = await Context.StartHost!(options, ct);
        try
        {
            new RunState(host.GatewayUri, host.PrivateGatewayUri, host.ApiUri).Write(options.DataDirectory);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    private void Tell(ParseResult parse, IServalHost host, string dataDirectory)
    {
        using var process = Process.GetCurrentProcess();
        var took = Context.Time.GetUtcNow() - process.StartTime.ToUniversalTime();
        var structured = Printer.TryWrite(Context.Out, parse.GetValue(_output), () => new JsonObject
        {
            ["gateway"] = Text(host.GatewayUri),
            ["secureGateway"] = Text(host.SecureGatewayUri),
            ["privateGateway"] = Text(host.PrivateGatewayUri),
            ["api"] = Text(host.ApiUri),
            ["kubeconfig"] = host.KubeconfigPath,
            ["dataDirectory"] = dataDirectory,
            ["readyMs"] = Math.Round(took.TotalMilliseconds),
        });
        if (structured)
        {
            return;
        }
        Context.Out.WriteLine($"Serval is ready ({took.TotalMilliseconds:0} ms)");
        Context.Out.WriteLine($"  gateway     {Text(host.GatewayUri)}");
        Context.Out.WriteLine($"  with TLS    {Text(host.SecureGatewayUri)}");
        Context.Out.WriteLine($"  private     {Text(host.PrivateGatewayUri)} (programs inside, cluster-local services)");
        Context.Out.WriteLine($"  API         {Text(host.ApiUri)}");
        Context.Out.WriteLine($"  kubeconfig  {host.KubeconfigPath}");
        Context.Out.WriteLine("Programs of services run as processes of this machine. Stop with Ctrl-C.");
    }
}
