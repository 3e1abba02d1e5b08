namespace Serval.FunctionalTests;

/// <summary>Serval with each role in processes of its own, all on this machine: an API server, two controllers, two gateways, two nodes with the same images.</summary>
internal sealed class SplitServal : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("serval-split-").FullName;
    private readonly List<RunningProgram> _ended = [];

    internal RunningProgram ApiServer { get; private set; } = null!; // this and what follows: set by StartAsync

    internal Dictionary<string, RunningProgram> Controllers { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, RunningProgram> Gateways { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, RunningProgram> Nodes { get; } = new(StringComparer.Ordinal);

    internal KubeHttp Api { get; private set; } = null!;

    internal Kubectl Kubectl { get; private set; } = null!;

    /// <summary>What all processes wrote to standard error, those that were killed too.</summary>
    internal string Errors => string.Join('\n', All.Select(p => p.Errors));

    private IEnumerable<RunningProgram> All =>
        ((IEnumerable<RunningProgram?>)[.. _ended, .. Gateways.Values, .. Nodes.Values, .. Controllers.Values, ApiServer]).OfType<RunningProgram>().Distinct();

    private string State => Path.Combine(_root, "state");

    internal static async Task<SplitServal> StartAsync()
    {
        var split = new SplitServal();
        try
        {
            await split.StartAllAsync();
            return split;
        }
        catch
        {
            await split.DisposeAsync();
            throw;
        }
    }

    internal async Task StartControllerAsync(string name) => Put(Controllers, name, await RoleAsync("controller", name));

    internal async Task StartGatewayAsync(string name) => Put(Gateways, name, await RoleAsync("gateway", name, "--name", name, "--http-port", "0", "--https-port", "0"));

    internal async Task StartNodeAsync(string name) => Put(Nodes, name, await RoleAsync("node", name, "--node-name", name));

    /// <summary>On the same port after an end: the others find it again.</summary>
    internal Task RestartApiServerAsync()
    {
        _ended.Add(ApiServer);
        return StartApiServerAsync($"{Api.Server.Port}");
    }

    /// <summary><c>kill -9</c>; it is no longer among the running ones.</summary>
    internal async Task KillAsync(Dictionary<string, RunningProgram> role, string name)
    {
        role.Remove(name, out var program);
        _ended.Add(program!);
        await program!.KillAsync();
    }

    internal int GatewayPort(string name) => new Uri((string)Gateways[name].Ready["gateway"]!).Port;

    public async ValueTask DisposeAsync()
    {
        Api?.Dispose();
        List<Exception> failures = [];
        foreach (var program in All)
        {
            try
            {
                await program.DisposeAsync();
            }
            catch (TimeoutException e)
            {
                failures.Add(e); // it was killed; the others are stopped all the same
            }
        }
        Directory.Delete(_root, recursive: true);
        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    private async Task StartAllAsync()
    {
        var images = Directory.CreateDirectory(Path.Combine(_root, "images")).FullName;
        foreach (var node in (string[])["left", "right"])
        {
            Directory.CreateSymbolicLink(Path.Combine(Directory.CreateDirectory(Path.Combine(_root, node)).FullName, "images"), images);
        }
        await ServalFixture.AddBusyboxAsync(Path.Combine(_root, "left"));
        await StartApiServerAsync("0");
        var kubeconfig = Path.Combine(State, "kubeconfig");
        (Api, Kubectl) = (new KubeHttp(kubeconfig), new Kubectl(kubeconfig));
        await Task.WhenAll(
            StartControllerAsync("a"), StartControllerAsync("b"), StartGatewayAsync("a"), StartGatewayAsync("b"), StartNodeAsync("left"), StartNodeAsync("right"));
    }

    private async Task StartApiServerAsync(string port) =>
        ApiServer = await RunningProgram.StartAsync([], State, CancellationToken.None, "apiserver", "--api-port", port);

    private Task<RunningProgram> RoleAsync(string role, string name, params string[] more) => RunningProgram.StartAsync(
        [], Path.Combine(_root, name), CancellationToken.None, [role, "--kubeconfig", Path.Combine(State, $"kubeconfig-{role}"), .. more]);

    private static void Put(Dictionary<string, RunningProgram> role, string name, RunningProgram program)
    {
        lock (role)
        {
            role[name] = program;
        }
    }
}
