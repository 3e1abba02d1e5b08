using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Testing;

/// <summary>The published program, started on a data directory and free ports of its own.</summary>
internal sealed class ServalProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _errors; // guarded by itself
    private readonly bool _ownsData;

    private ServalProcess(Process process, StringBuilder errors, string data, bool ownsData, JsonObject ready, TimeSpan startup, bool launched)
    {
        _process = process;
        _errors = errors;
        _ownsData = ownsData;
        DataDirectory = data;
        Startup = startup;
        Kubeconfig = (launched ? $"/proc/{process.Id}/root" : "") + (string)ready["kubeconfig"]!;
        GatewayPort = new Uri((string)ready["gateway"]!).Port;
        var inside = new Uri((string)ready["privateGateway"]!);
        PrivateGateway = new IPEndPoint(IPAddress.Parse(inside.Host), inside.Port);
        Api = new KubeHttp(Kubeconfig);
    }

    internal string DataDirectory { get; }

    internal string Kubeconfig { get; }

    internal int GatewayPort { get; }

    /// <summary>Where programs inside the cluster reach the gateway.</summary>
    internal IPEndPoint PrivateGateway { get; }

    internal KubeHttp Api { get; }

    internal int Pid => _process.Id;

    /// <summary>From the start of the process to its ready line.</summary>
    internal TimeSpan Startup { get; }

    /// <summary>What it wrote to standard error so far.</summary>
    internal string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    /// <summary>Path of the program under test.</summary>
    internal static string Binary { get; set; } = Environment.GetEnvironmentVariable("SERVAL_BINARY") ?? Repository.Path("artifacts/dist/serval");

    /// <summary><c>SERVAL_POD_NETWORK=off</c> runs the tests with mapped ports where pods could have networks of their own.</summary>
    private static string[] Mode => Environment.GetEnvironmentVariable("SERVAL_POD_NETWORK") is { Length: > 0 } mode ? ["--pod-network", mode] : [];

    /// <param name="data">Its data directory; null gives it one of its own.</param>
    /// <param name="ct">Ends the wait for its ready line.</param>
    /// <param name="launcher">A command that becomes the program, in other surroundings: <c>nsenter</c>, <c>setpriv</c>.</param>
    internal static async Task<ServalProcess> UpAsync(string? data = null, CancellationToken ct = default, params IReadOnlyList<string> launcher)
    {
        var owns = data is null;
        data ??= Directory.CreateTempSubdirectory("serval-").FullName;
        var clock = Stopwatch.StartNew();
        var process = Start(launcher, data, ["up", "--http-port", "0", "--api-port", "0", "-o", "json", .. Mode]);
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors)
            {
                errors.AppendLine(line.Data);
            }
        };
        process.BeginErrorReadLine();
        string? ready = null;
        while (await process.StandardOutput.ReadLineAsync(ct) is { } line)
        {
            ready += line;
            if (line == "}")
            {
                break;
            }
        }
        if (ready is null)
        {
            await process.WaitForExitAsync(ct);
            throw new InvalidOperationException($"serval up ended with {process.ExitCode}: {errors}");
        }
        return new ServalProcess(process, errors, data, owns, JsonNode.Parse(ready)!.AsObject(), clock.Elapsed, launcher.Count > 0);
    }

    /// <summary>Runs one command on the data directory and returns its exit code and output.</summary>
    internal static Task<(int Code, string Out, string Err)> RunAsync(string data, params string[] arguments) => RunAsync([], data, arguments);

    /// <summary>The same under a launcher, see <see cref="UpAsync"/>.</summary>
    internal static async Task<(int Code, string Out, string Err)> RunAsync(IReadOnlyList<string> launcher, string data, params string[] arguments)
    {
        using var process = Start(launcher, data, arguments);
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
    internal async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    internal async Task<int> StopAsync()
    {
        if (!_process.HasExited)
        {
            await TerminateAsync();
        }
        try
        {
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException e)
        {
            _process.Kill();
            throw new TimeoutException($"serval up did not stop within 60 s of SIGTERM: {Errors}", e);
        }
        return _process.ExitCode;
    }

    /// <summary>SIGTERM alone.</summary>
    internal async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", Pid.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await StopAsync();
        _process.Dispose();
        if (_ownsData)
        {
            Directory.Delete(DataDirectory, recursive: true);
        }
    }

    private static Process Start(IReadOnlyList<string> launcher, string data, params string[] arguments)
    {
        if (Binary.Length == 0 || !File.Exists(Binary))
        {
            throw new InvalidOperationException($"no program at '{Binary}': run ./eng/check test, or publish and set SERVAL_BINARY");
        }
        IReadOnlyList<string> command = [.. launcher, Binary, .. arguments];
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["SERVAL_DATA_DIR"] = data;
        foreach (var argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start) ?? throw new InvalidOperationException("the program did not start");
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
