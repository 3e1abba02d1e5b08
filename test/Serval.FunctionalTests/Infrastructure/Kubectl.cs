using System.Diagnostics;

namespace Serval.Testing;

/// <summary>The real kubectl on one kubeconfig.</summary>
internal sealed class Kubectl(string kubeconfig)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    /// <summary>Runs it and fails unless it ends with 0. Returns its output.</summary>
    internal async Task<string> OkAsync(params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(null, arguments);
        Assert.True(code == 0, $"kubectl {string.Join(' ', arguments)} ended with {code}: {output}{errors}");
        return output;
    }

    /// <summary>Runs it and fails if it ends with 0. Returns its error text.</summary>
    internal async Task<string> RefusedAsync(string? input, params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(input, arguments);
        Assert.True(code != 0, $"kubectl {string.Join(' ', arguments)} should have been refused: {output}");
        return errors;
    }

    /// <summary>Applies a manifest. Returns what kubectl printed.</summary>
    internal async Task<string> ApplyAsync(string manifest, params string[] more)
    {
        var (code, output, errors) = await RunAsync(manifest, ["apply", "-f", "-", .. more]);
        Assert.True(code == 0, $"kubectl apply ended with {code}: {output}{errors}{manifest}");
        return output;
    }

    internal Task<(int Code, string Out, string Err)> RunAsync(string? input, params string[] arguments) => EndAsync(Start(arguments), input, arguments);

    /// <summary>Runs it at a terminal of 33 lines and 99 columns, where <paramref name="input"/> is typed.</summary>
    internal Task<(int Code, string Out, string Err)> TypeAsync(string? input, params string[] arguments)
    {
        var line = string.Join(' ', arguments.Prepend(Binary).Select(a => $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        return EndAsync(Start("script", ["-qec", $"stty rows 33 cols 99; exec {line}", "/dev/null"]), input, arguments);
    }

    private static async Task<(int Code, string Out, string Err)> EndAsync(Process started, string? input, string[] arguments)
    {
        using var process = started;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync().WaitAsync(s_patience);
        }
        catch (TimeoutException e)
        {
            process.Kill();
            throw new TimeoutException($"kubectl {string.Join(' ', arguments)} did not end within {s_patience.TotalSeconds} s: {await errors}", e);
        }
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Starts one that does not end by itself and reads until a line holds <paramref name="text"/>; <paramref name="then"/> runs after the first line.</summary>
    internal async Task FollowUntilAsync(string text, Func<Task> then, params string[] arguments)
    {
        using var process = Start(arguments);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            var lines = 0;
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                if (line.Contains(text, StringComparison.Ordinal))
                {
                    return;
                }
                if (++lines == 1)
                {
                    await then();
                }
            }
            Assert.Fail($"kubectl {string.Join(' ', arguments)} ended before '{text}' came: {await process.StandardError.ReadToEndAsync()}");
        }
        finally
        {
            process.Kill();
        }
    }

    /// <summary>Starts one that does not end by itself; the caller ends it.</summary>
    internal Process Start(params string[] arguments) => Start(Binary, arguments);

    /// <summary>The same with switches of its own.</summary>
    internal Process Start((string Name, string Value)[] environment, params string[] arguments) => Start(Binary, arguments, environment);

    private static string Binary => Repository.Path("artifacts/tools/kubectl");

    private Process Start(string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        if (!File.Exists(Binary))
        {
            throw new InvalidOperationException($"no kubectl at '{Binary}': run ./eng/install-test-tools");
        }
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        start.Environment["KUBECONFIG"] = kubeconfig;
        // Its discovery cache lies beside the kubeconfig: another server on the same port is not mixed up with this one.
        start.Environment["KUBECACHEDIR"] = Path.Combine(Path.GetDirectoryName(kubeconfig)!, "kubectl-cache");
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start) ?? throw new InvalidOperationException("kubectl did not start");
    }
}
