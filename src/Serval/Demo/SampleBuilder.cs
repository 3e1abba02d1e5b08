using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Serval.Cli;

namespace Serval.Demo;

/// <summary>Builds the sample once and keeps the result for the next demo.</summary>
internal sealed class SampleBuilder(CliContext context, string source, string dataDirectory)
{
    private static readonly string[] s_inputs = ["*.cs", "*.csproj"];

    private string WorkDirectory { get; } = Path.Combine(dataDirectory, "work");

    /// <summary>The .NET installation that runs the sample; it is framework-dependent.</summary>
    public string DotnetRoot { get; } = FindDotnetRoot(context);

    /// <summary>The sample's directory: given, or <c>samples/hello</c> of the checkout this program was built in.</summary>
    public static string FindSource(string? given)
    {
        if (given is not null)
        {
            return Directory.Exists(given) ? Path.GetFullPath(given) : throw new CliException(ExitCodes.Usage, $"the sample {given} does not exist; name its directory");
        }
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var candidate = Path.Combine(folder, "samples", "hello");
            if (File.Exists(Path.Combine(candidate, "hello.csproj")))
            {
                return candidate;
            }
        }
        throw new CliException(ExitCodes.Usage, "samples/hello is not near this program; run the demo from a checkout, or name the sample's directory with --sample DIR");
    }

    /// <summary>The published program's directory.</summary>
    public async Task<string> BuildAsync(CancellationToken ct)
    {
        var output = Path.Combine(WorkDirectory, "hello-" + Stamp());
        if (File.Exists(Path.Combine(output, "hello")))
        {
            return output;
        }
        DataDirectory.Prepare(dataDirectory, context.Warn); // the first verb may be this one
        Directory.CreateDirectory(WorkDirectory);
        var temporary = output + "." + Environment.ProcessId;
        await PublishAsync(temporary, ct);
        if (!Directory.Exists(output))
        {
            Directory.Move(temporary, output);
        }
        return output;
    }

    private static string FindDotnetRoot(CliContext context)
    {
        string?[] candidates =
        [
            context.Variable("DOTNET_ROOT"),
            Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
            .. (context.Variable("PATH") ?? "").Split(Path.PathSeparator).Select(d => Path.Combine(d, "dotnet")).Where(File.Exists).Select(RealDirectory),
        ];
        return candidates.FirstOrDefault(c => !string.IsNullOrEmpty(c) && File.Exists(Path.Combine(c, "dotnet")) && Directory.Exists(Path.Combine(c, "sdk")))
            ?? throw new CliException(ExitCodes.Failed, "the demo builds its sample with the .NET 10 SDK, which was not found; install it (https://dot.net) or put `dotnet` on the PATH");
    }

    private static string? RealDirectory(string file) => Path.GetDirectoryName(File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file);

    private string Stamp()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(DotnetRoot + Environment.Version));
        foreach (var file in s_inputs.SelectMany(p => Directory.EnumerateFiles(source, p)).Order(StringComparer.Ordinal))
        {
            hash.AppendData(File.ReadAllBytes(file));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private async Task PublishAsync(string output, CancellationToken ct)
    {
        var project = Directory.EnumerateFiles(source, "*.csproj").First();
        var start = new ProcessStartInfo(Path.Combine(DotnetRoot, "dotnet"), ["publish", project, "-c", "Release", "-o", output, "-v", "quiet", "--nologo"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, WorkingDirectory = source,
        };
        start.Environment["DOTNET_ROOT"] = DotnetRoot;
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");
        using var process = Process.Start(start)!;
        await using var kill = ct.Register(() => process.Kill(entireProcessTree: true));
        var text = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
        await process.WaitForExitAsync(CancellationToken.None);
        ct.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
        {
            throw new CliException(ExitCodes.Failed, $"building {project} failed:\n{string.Concat(text).Trim()}\nrun `dotnet publish {project} -c Release` to see more");
        }
    }
}
