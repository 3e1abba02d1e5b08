using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Serval.Testing;

/// <summary>The published program, started on a data directory and free ports of its own: <c>serval up</c>, or a process for each role.</summary>
internal sealed class ServalProcess : IAsyncDisposable
{
    private readonly IReadOnlyList<RunningProgram> _programs; // the one that has the API first, the one that has the gateway last
    private readonly bool _ownsData;

    private ServalProcess(IReadOnlyList<RunningProgram> programs, string data, bool ownsData, bool launched)
    {
        _programs = programs;
        _ownsData = ownsData;
        DataDirectory = data;
        Kubeconfig = (launched ? $"/proc/{Pid}/root" : "") + (string)programs[0].Ready["kubeconfig"]!;
        var gateway = programs[^1].Ready;
        GatewayPort = new Uri((string)gateway["gateway"]!).Port;
        var inside = new Uri((string)gateway["privateGateway"]!);
        PrivateGateway = new IPEndPoint(IPAddress.Parse(inside.Host), inside.Port);
        Api = new KubeHttp(Kubeconfig);
    }

    internal string DataDirectory { get; }

    internal string Kubeconfig { get; }

    internal int GatewayPort { get; }

    /// <summary>Where programs inside the cluster reach the gateway.</summary>
    internal IPEndPoint PrivateGateway { get; }

    internal KubeHttp Api { get; }

    /// <summary>The process that has the state.</summary>
    internal int Pid => _programs[0].Pid;

    /// <summary>From the start of the process to its ready line.</summary>
    internal TimeSpan Startup => _programs[0].Startup;

    /// <summary>What all its processes wrote to standard error so far.</summary>
    internal string Errors => string.Concat(_programs.Select(p => p.Errors));

    /// <summary>Path of the program under test.</summary>
    internal static string Binary { get; set; } = Environment.GetEnvironmentVariable("SERVAL_BINARY") ?? Repository.Path("artifacts/dist/serval");

    /// <summary><c>SERVAL_TEST_COMPOSITION=split</c> runs the tests with a process for each role.</summary>
    private static bool IsSplit => Environment.GetEnvironmentVariable("SERVAL_TEST_COMPOSITION") == "split";

    /// <summary><c>SERVAL_POD_NETWORK=off</c> runs the tests with mapped ports where pods could have networks of their own.</summary>
    private static string[] Mode => Environment.GetEnvironmentVariable("SERVAL_POD_NETWORK") is { Length: > 0 } mode ? ["--pod-network", mode] : [];

    /// <param name="data">Its data directory; null gives it one of its own.</param>
    /// <param name="ct">Ends the wait for its ready line.</param>
    /// <param name="launcher">A command that becomes the program, in other surroundings: <c>nsenter</c>, <c>setpriv</c>.</param>
    internal static async Task<ServalProcess> UpAsync(string? data = null, CancellationToken ct = default, params IReadOnlyList<string> launcher)
    {
        var owns = data is null;
        data ??= Directory.CreateTempSubdirectory("serval-").FullName;
        var programs = IsSplit
            ? await StartRolesAsync(launcher, data, ct)
            : [await RunningProgram.StartAsync(launcher, data, ct, ["up", "--http-port", "0", "--api-port", "0", .. Mode])];
        return new ServalProcess(programs, data, owns, launcher.Count > 0);
    }

    // The API server and the node share the directory, as their parts of it are apart: commands find the server and the images there, as those of `serval up`.
    private static async Task<IReadOnlyList<RunningProgram>> StartRolesAsync(IReadOnlyList<string> launcher, string data, CancellationToken ct)
    {
        var programs = new List<RunningProgram>();
        try
        {
            await StartAsync("apiserver", "--api-port", "0", "--listen", ReachedByPods());
            foreach (var (role, more) in ((string, string[])[])[("controller", []), ("node", Mode), ("gateway", ["--name", "gateway", "--http-port", "0", "--https-port", "0"])])
            {
                await StartAsync([role, "--kubeconfig", Path.Combine(data, $"kubeconfig-{role}"), .. more]);
            }
            return programs;
        }
        catch
        {
            await StopAsync(programs);
            throw;
        }

        async Task StartAsync(params string[] arguments) => programs.Add(await RunningProgram.StartAsync(launcher, data, ct, arguments));
    }

    // The address the machine is known by; pods with networks of their own do not reach its loopback.
    private static string ReachedByPods()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(IPAddress.Parse("192.0.2.1"), 9); // sends nothing
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException)
        {
            return "127.0.0.1"; // it has no way out
        }
    }

    /// <summary>Runs one command on the data directory and returns its exit code and output.</summary>
    internal static Task<(int Code, string Out, string Err)> RunAsync(string data, params string[] arguments) => RunAsync([], data, arguments);

    /// <summary>The same under a launcher, see <see cref="UpAsync"/>.</summary>
    internal static async Task<(int Code, string Out, string Err)> RunAsync(IReadOnlyList<string> launcher, string data, params string[] arguments)
    {
        using var process = RunningProgram.Start(launcher, data, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            process.Kill();
            throw new TimeoutException($"serval {string.Join(' ', arguments)} did not end within 60 s: {await errors}", e);
        }
        return (process.ExitCode, await output, await errors);
    }

    internal Task<(int Code, string Out, string Err)> RunAsync(params string[] arguments) => RunAsync(DataDirectory, arguments);

    /// <summary>GET through the gateway with the service's host name.</summary>
    internal Task<(int Code, string Text)> InvokeAsync(string service, string path = "/", CancellationToken ct = default) =>
        RawHttp.GetAsync(GatewayPort, $"{service}.default.localhost", path, ct);

    /// <summary>Resident memory now, in bytes.</summary>
    internal long ResidentBytes() => 1024 * long.Parse(
        File.ReadLines($"/proc/{Pid}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    /// <summary>User and system time so far.</summary>
    internal TimeSpan CpuTime()
    {
        var stat = File.ReadAllText($"/proc/{Pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0);
    }

    /// <summary><c>kill -9</c>.</summary>
    internal Task KillAsync() => Task.WhenAll(_programs.Select(p => p.KillAsync()));

    /// <summary>SIGTERM, and the exit code; of several processes the first that is not 0.</summary>
    internal Task<int> StopAsync() => StopAsync(_programs);

    /// <summary>SIGTERM alone.</summary>
    internal Task TerminateAsync() => Task.WhenAll(_programs.Select(p => p.TerminateAsync()));

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        foreach (var program in _programs.Reverse())
        {
            await program.DisposeAsync();
        }
        if (_ownsData)
        {
            Directory.Delete(DataDirectory, recursive: true);
        }
    }

    // Roles end before what they need.
    private static async Task<int> StopAsync(IReadOnlyList<RunningProgram> programs)
    {
        var code = 0;
        foreach (var program in programs.Reverse())
        {
            var ended = await program.StopAsync();
            code = code == 0 ? ended : code;
        }
        return code;
    }
}

/// <summary>Paths in the checkout the tests were built from.</summary>
internal static class Repository
{
    /// <summary>A path below the directory that holds the solution; empty outside a checkout.</summary>
    internal static string Path(string relative)
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(directory.FullName, "Serval.slnx")))
            {
                return System.IO.Path.Combine(directory.FullName, relative);
            }
        }
        return "";
    }
}
