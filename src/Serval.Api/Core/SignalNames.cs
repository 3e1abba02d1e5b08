namespace Serval.Api.Core;

/// <summary>Names of the standard signals by their number on x86-64 and arm64 (signal(7)).</summary>
public static class SignalNames
{
    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT",
        "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>The number of a name without <c>SIG</c>; 0 or less when there is none.</summary>
    public static int Number(string name) => Array.IndexOf(s_names, name);

    /// <summary><c>SIGKILL</c>; a number that has no name is shown as such.</summary>
    public static string Of(int signal) => signal > 0 && signal < s_names.Length ? $"SIG{s_names[signal]}" : $"signal {signal}";
}
