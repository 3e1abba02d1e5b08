using System.Globalization;

namespace Serval.Node.Processes;

/// <summary>What this process is allowed to do.</summary>
internal static class Capabilities
{
    private const int Kill = 5;
    private const int SetGid = 6;
    private const int SetUid = 7;
    private const int SetPcap = 8;
    private const int NetAdmin = 12;
    private const int SysPtrace = 19;
    private const int SysAdmin = 21;

    public static bool HasSysAdmin() => Has(SysAdmin);

    public static bool HasNetAdmin() => Has(NetAdmin);

    /// <summary>Whether programs can be started as other users, and then still be ended and looked at: their files below /proc are theirs.</summary>
    public static bool HasUsers() => Libc.geteuid() == 0 && Has(Kill, SetGid, SetUid, SysPtrace);

    /// <summary>Whether what programs may be allowed to do can be limited.</summary>
    public static bool HasBounds() => Has(SetPcap);

    private static bool Has(params ReadOnlySpan<int> wanted)
    {
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("CapEff:", StringComparison.Ordinal));
        if (line is null || !ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var set))
        {
            return false;
        }
        foreach (var capability in wanted)
        {
            if ((set >> capability & 1) == 0)
            {
                return false;
            }
        }
        return true;
    }
}
