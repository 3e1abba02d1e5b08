using System.Diagnostics;
using System.Text;

namespace Serval.FunctionalTests.Sessions;

/// <summary>Runs sessions: bash in a directory of its own, with one kubectl and one helm, and a kubeconfig whose namespace is the session's.</summary>
/// <param name="directory">Where files it makes lie.</param>
/// <param name="tools">The directory of its kubectl.</param>
/// <param name="name">Of its namespace, in <c>$NS</c>; it ends with kubectl's version, in <c>$V</c>. Both stand in what is expected too.</param>
internal sealed class SessionShell(string directory, string tools, string name)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly string _version = name[(name.LastIndexOf('-') + 1)..];

    /// <summary>What was not as expected, each with its line, what was expected and what came; empty when all was.</summary>
    internal async Task<string> RunAsync(string file, IEnumerable<SessionStep> steps)
    {
        var wrong = new StringBuilder();
        foreach (var step in steps)
        {
            var (code, output, told) = await RunAsync(step.Command);
            var errors = WithoutRace(told, _version);
            if (code == step.Code && Fits(step.Output, output) && Fits(step.Errors, errors))
            {
                continue;
            }
            wrong.Append('\n').Append(file).Append(':').Append(step.Line).Append("\n$ ").Append(step.Command).AppendLine();
            Show(wrong, "expected", step.Code, string.Join('\n', Named(step.Output)), string.Join('\n', Named(step.Errors)));
            Show(wrong, "got", code, output, errors);
        }
        return wrong.ToString();
    }

    /// <summary>One command.</summary>
    internal async Task<(int Code, string Out, string Err)> RunAsync(string command)
    {
        var start = new ProcessStartInfo("bash") { WorkingDirectory = directory, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        start.Environment["PATH"] = $"{tools}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["HOME"] = directory;
        start.Environment["KUBECONFIG"] = Path.Combine(directory, "kubeconfig");
        start.Environment["NS"] = name;
        start.Environment["V"] = _version;
        start.Environment["TZ"] = "UTC";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(s_patience);
        var output = ReadAsync(process.StandardOutput, patience.Token);
        var errors = ReadAsync(process.StandardError, patience.Token);
        await Task.WhenAll(output, errors);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        var late = patience.IsCancellationRequested ? $"did not end within {s_patience.TotalSeconds} s\n" : "";
        return (process.ExitCode, await output, await errors + late);
    }

    /// <summary>
    /// What kubectl said on its second output, without what one before 1.34 says of the message with which a server tells that it is there (an empty one), when it reads that
    /// before it has made its streams (kubernetes pull request 131203).
    /// </summary>
    internal static string WithoutRace(string errors, string version) => version == "v32"
        ? string.Join('\n', errors.Split('\n').Where(l => !(l.StartsWith('E') && l.EndsWith("] Unknown stream id 1, discarding message", StringComparison.Ordinal)))) : errors;

    // What it left running may hold its output open: that counts as not ended.
    private static async Task<string> ReadAsync(StreamReader reader, CancellationToken patience)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        try
        {
            for (int read; (read = await reader.ReadAsync(buffer, patience)) > 0;)
            {
                text.Append(buffer, 0, read);
            }
        }
        catch (OperationCanceledException)
        {
            // What came is told.
        }
        return text.ToString();
    }

    private bool Fits(IReadOnlyList<string> expected, string got) => ExpectedText.Fits(Named(expected), got);

    private List<string> Named(IReadOnlyList<string> lines) =>
        [.. lines.Select(l => l.Replace("$NS", name, StringComparison.Ordinal).Replace("$V", _version, StringComparison.Ordinal))];

    private static void Show(StringBuilder text, string title, int code, string output, string errors)
    {
        text.Append("--- ").AppendLine(title);
        var lines = ExpectedText.Lines(output).Concat(ExpectedText.Lines(errors).Select(e => "! " + e)).Concat(code == 0 ? [] : [$"= {code}"]);
        text.Append(string.Concat(lines.Select(l => l + "\n")));
    }
}
