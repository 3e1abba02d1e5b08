using System.Globalization;

namespace Serval.Node.Processes;

/// <summary>
/// Names one process for as long as the machine runs: its namespace of process numbers, its number, its start. What Serval makes on the machine bears
/// its stamp, so that another Serval can prove that nobody uses it any more.
/// </summary>
internal static class RunStamp
{
    private const int NoSuchProcess = 3; // ESRCH

    private static readonly string s_namespace = ProcFs.LinkTarget("/proc/self/ns/pid") is { } link ? string.Concat(link.Where(char.IsAsciiDigit)) : "";

    /// <summary>This process'.</summary>
    public static string Mine { get; } = string.Create(
        CultureInfo.InvariantCulture, $"{s_namespace}-{Environment.ProcessId}-{ProcFs.Stat(Environment.ProcessId)?.StartTicks ?? 0}");

    /// <summary>Whether its process has certainly ended: one of another namespace may live unseen.</summary>
    public static bool IsDead(string stamp) =>
        stamp.Split('-') is [{ Length: > 0 } space, var number, var ticks] && space == s_namespace
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pid > 0
        && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var start)
        && (ProcFs.Stat(pid) is { } living ? living.StartTicks != start : Libc.kill(pid, 0) != 0 && System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == NoSuchProcess);
}
