using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Serval.Images;

/// <summary>Tells regular files from sockets, pipes and devices without opening them: opening a pipe would wait for ever.</summary>
internal static class FileType
{
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint TypeOnly = 1;
    private const int ModeOffset = 28;
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;

    public static bool IsRegular(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }
        var buffer = new byte[256]; // struct statx is the same on every architecture
        return Statx(CurrentDirectory, path, NoFollow, TypeOnly, buffer) == 0
            && (BinaryPrimitives.ReadUInt16LittleEndian(buffer.AsSpan(ModeOffset)) & TypeMask) == Regular;
    }

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static extern int Statx(int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, byte[] buffer);
}
