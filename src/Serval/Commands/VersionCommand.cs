using System.CommandLine;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Serval.Cli;

namespace Serval.Commands;

/// <summary><c>serval version</c>.</summary>
internal sealed class VersionCommand : Verb
{
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public VersionCommand(CliContext context)
        : base(context, "version", "Show the version", "serval version", "serval version -o json") => Add(_output);

    /// <summary>With the commit behind a +, where it is known.</summary>
    public static string Version => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    protected override Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        var (version, commit) = Version.Split('+', 2) is [var v, var c] ? (v, c) : (Version, "");
        var structured = Printer.TryWrite(Context.Out, parse.GetValue(_output), () => new JsonObject
        {
            ["version"] = version, ["commit"] = commit, ["runtime"] = RuntimeInformation.FrameworkDescription, ["platform"] = RuntimeInformation.RuntimeIdentifier,
        });
        if (!structured)
        {
            Context.Out.WriteLine($"serval {version}{(commit.Length > 0 ? $" ({commit[..Math.Min(12, commit.Length)]})" : "")}, {RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}");
        }
        return Task.FromResult(ExitCodes.Ok);
    }
}
