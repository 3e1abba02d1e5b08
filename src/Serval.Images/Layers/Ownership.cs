using System.Runtime.InteropServices;

namespace Serval.Images;

/// <summary>
/// Whom a file of an image belongs to, so that the image's own user may read and write it (OCI image-spec, layer.md: uid, gid). Only root can give
/// files away; for everyone else, and where the machine has no such user number, they stay their own.
/// </summary>
internal static class Ownership
{
    /// <summary>Gives a file or directory, never what a link leads to.</summary>
    public static void Give(string path, int uid, int gid)
    {
        if (OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess)
        {
            _ = Change(path, uid, gid);
        }
    }

    [DllImport("libc", EntryPoint = "lchown")]
    private static extern int Change([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int uid, int gid);
}
