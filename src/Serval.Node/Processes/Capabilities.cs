using System.Globalization;

namespace Serval.Node.Processes;

/// <summary>What this process is allowed to do.</summary>
internal static class Capabilities
{
    private const int SysAdmin = 21;

    public static bool HasSysAdmin()
    {
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("CapEff:", StringComparison.Ordinal));
        return line is not null
            && ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var set)
            && (set >> SysAdmin & 1) != 0;
    }
}
