using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Serval.Testing;

/// <summary>A verb of the published program that runs until it is told to stop: <c>up</c>, or one role.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly string _verb;
    private readonly StringBuilder _errors; // guarded by itself

    private RunningProgram(Process process, string verb, StringBuilder errors, JsonObject ready, TimeSpan startup)
    {
        (_process, _verb, _errors, Ready, Startup) = (process, verb, errors, ready, startup);
        Pid = process.Id;
    }

    internal int Pid { get; }

    /// <summary>What it said when it was ready.</summary>
    internal JsonObject Ready { get; }

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

    /// <summary>Starts it and waits until it says that it is ready. One that does not, or is not waited for any more, is killed.</summary>
    internal static async Task<RunningProgram> StartAsync(IReadOnlyList<string> launcher, string data, CancellationToken ct, params string[] arguments)
    {
        var clock = Stopwatch.StartNew();
        var process = Start(launcher, data, [.. arguments, "-o", "json"]);
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (errors)
            {
                errors.AppendLine(line.Data);
            }
        };
        process.BeginErrorReadLine();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(s_patience);
        try
        {
            if (await ReadyAsync(process.StandardOutput, patience.Token) is { } ready)
            {
                return new RunningProgram(process, arguments[0], errors, JsonNode.Parse(ready)!.AsObject(), clock.Elapsed);
            }
            await process.WaitForExitAsync(patience.Token);
            throw new InvalidOperationException($"serval {arguments[0]} ended with {process.ExitCode}: {errors}");
        }
        catch (Exception e)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
            if (e is OperationCanceledException && !ct.IsCancellationRequested)
            {
                throw new TimeoutException($"serval {arguments[0]} was not ready within {s_patience.TotalSeconds} s: {errors}", e);
            }
            throw;
        }
    }

    private static async Task<string?> ReadyAsync(StreamReader output, CancellationToken ct)
    {
        string? ready = null;
        while (await output.ReadLineAsync(ct) is { } line)
        {
            ready += line;
            if (line == "}")
            {
                break;
            }
        }
        return ready;
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
            throw new TimeoutException($"serval {_verb} did not stop within 60 s of SIGTERM: {Errors}", e);
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
        await StopAsync();
        _process.Dispose();
    }

    internal static Process Start(IReadOnlyList<string> launcher, string data, params string[] arguments)
    {
        if (ServalProcess.Binary.Length == 0 || !File.Exists(ServalProcess.Binary))
        {
            throw new InvalidOperationException($"no program at '{ServalProcess.Binary}': run ./eng/check test, or publish and set SERVAL_BINARY");
        }
        IReadOnlyList<string> command = [.. launcher, ServalProcess.Binary, .. arguments];
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["SERVAL_DATA_DIR"] = data;
        foreach (var argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start) ?? throw new InvalidOperationException("the program did not start");
    }
}
