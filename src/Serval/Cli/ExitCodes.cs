namespace Serval.Cli;

/// <summary>Exit codes of the <c>serval</c> program, listed in docs/cli.md.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The operation was tried and failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line or a given file is wrong; nothing was tried.</summary>
    public const int Usage = 2;

    /// <summary>The named object or image does not exist.</summary>
    public const int NotFound = 3;

    /// <summary>No server answers.</summary>
    public const int NotReachable = 4;

    /// <summary>It was waited for in vain.</summary>
    public const int Timeout = 5;

    /// <summary>The server refused who asks, or what is asked.</summary>
    public const int Refused = 6;

    /// <summary>Ctrl-C, as shells number it.</summary>
    public const int Interrupted = 130;
}
