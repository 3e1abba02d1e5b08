namespace Serval.Cli;

/// <summary>Ends the command with one message (cause, object, what to do) and an exit code.</summary>
internal sealed class CliException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;
}
