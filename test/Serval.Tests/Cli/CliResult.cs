namespace Serval.Tests.Cli;

/// <summary>How a command ended.</summary>
internal sealed record CliResult(int Code, string Out, string Error)
{
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
