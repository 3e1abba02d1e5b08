using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Serval.Images;

/// <summary>Hard links, which .NET does not offer; a copy where the platform has none.</summary>
internal static class HardLink
{
    public static void Create(string existing, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            File.Copy(existing, path);
            return;
        }
        if (Link(existing, path) != 0)
        {
            throw new IOException($"cannot link {path} to {existing}", new Win32Exception(Marshal.GetLastPInvokeError()));
        }
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string existing, [MarshalAs(UnmanagedType.LPUTF8Str)] string path);
}
