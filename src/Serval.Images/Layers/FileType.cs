using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Serval.Images;

/// <summary>Tells regular files from sockets, pipes and devices without opening them: opening a pipe would wait for ever.</summary>
public static class FileType
{
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint TypeOnly = 1;
    private const int ModeOffset = 28;
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;

    /// <summary>What a path leads to, in the words of core/v1 HostPathType; empty when it is nothing of these.</summary>
    public static string Of(string path) => Read(path, 0) switch
    {
        Regular => "File",
        0x4000 => "Directory",
        0xC000 => "Socket",
        0x2000 => "CharDevice",
        0x6000 => "BlockDevice",
        _ => "",
    };

    internal static bool IsRegular(string path) => !OperatingSystem.IsLinux() || Read(path, NoFollow) == Regular;

    private static int? Read(string path, int flags)
    {
        var buffer = new byte[256]; // struct statx is the same on every architecture
        return Statx(CurrentDirectory, path, flags, TypeOnly, buffer) == 0
            ? BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(ModeOffset)) & TypeMask
            : null;
    }

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static extern int Statx(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] buffer);
}
