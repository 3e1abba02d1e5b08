using System.Runtime.InteropServices;
using Serval.Node.Containers;
using Serval.Node.Processes;

namespace Serval.Node.Volumes;

/// <summary>
/// A file or directory below another one, open: what a mount needs where a running program can put a link in the place of any part of the path.
/// Links are followed inside (<see cref="RootPath"/>), then the way is walked without following any, as kubelet does
/// (kubernetes: pkg/volume/util/subpath, doSafeOpen).
/// </summary>
internal sealed unsafe class PinnedPath : IDisposable
{
    private const int MostTries = 64;
    private const int Way = Libc.O_PATH | Libc.O_CLOEXEC;
    private const int Missing = -1;
    private const int Changed = -2;

    private readonly int _descriptor;

    private PinnedPath(int descriptor) => _descriptor = descriptor;

    /// <summary>Leads to it, whatever becomes of the names on its way; in this process, until it is disposed.</summary>
    public string Path => $"/proc/self/fd/{_descriptor}";

    public bool IsDirectory => Directory.Exists(Path);

    /// <summary>Opens what is there; null when nothing is. Throws <see cref="ContainerConfigException"/>.</summary>
    public static PinnedPath? Open(string root, string path) => Walk(root, path, make: null, file: false);

    /// <summary>
    /// Opens it, and makes what is missing: directories of this mode, at the end of the way a file or one more. The thread's umask counts.
    /// Throws <see cref="ContainerConfigException"/>.
    /// </summary>
    public static PinnedPath Make(string root, string path, UnixFileMode mode, bool file = false) => Walk(root, path, mode, file)!;

    public void Dispose() => _ = Libc.close(_descriptor);

    private static PinnedPath? Walk(string root, string path, UnixFileMode? make, bool file)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (TryWalk(root, RootPath.Resolve(root, path)[root.TrimEnd('/').Length..], make, file, out var end))
            {
                return end;
            }
        }
        throw new ContainerConfigException($"{path} cannot be opened: a part of it is a file, or changes all the time", ContainerConfigException.CreateContainerError);
    }

    /// <returns>False when a part of the way is a link by now.</returns>
    internal static bool TryWalk(string root, string way, UnixFileMode? make, bool file, out PinnedPath? end)
    {
        var names = way.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var at = Check(Libc.open(root, Way, 0), root);
        for (var i = 0; i < names.Length && at >= 0; i++)
        {
            var next = Step(at, names[i], make, file && i == names.Length - 1);
            _ = Libc.close(at);
            at = next;
        }
        end = at >= 0 ? new PinnedPath(at) : null;
        return at != Changed;
    }

    private static int Step(int directory, string name, UnixFileMode? make, bool file)
    {
        var next = Libc.openat(directory, name, Way | Libc.O_NOFOLLOW, 0);
        if (next < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == Libc.ENOENT)
            {
                return make is not { } mode ? Missing : New(directory, name, mode, file) ? Step(directory, name, null, file) : Changed;
            }
            return error == Libc.ENOTDIR ? Changed : Check(next, name);
        }
        byte some;
        if (Libc.readlinkat(next, "", &some, 1) < 0)
        {
            return next;
        }
        _ = Libc.close(next);
        return Changed; // a link by now
    }

    /// <returns>False when another one made something there.</returns>
    private static bool New(int directory, string name, UnixFileMode mode, bool file)
    {
        var made = file
            ? Libc.openat(directory, name, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, 0x1A4) // rw-r--r--
            : Libc.mkdirat(directory, name, (uint)mode);
        if (made < 0)
        {
            return Marshal.GetLastPInvokeError() == Libc.EEXIST ? false : Check(made, name) == 0;
        }
        _ = file ? Libc.close(made) : 0;
        return true;
    }

    private static int Check(int result, string what) => result >= 0
        ? result
        : throw new ContainerConfigException($"cannot open {what} for a mount: {Libc.LastErrorText()}", ContainerConfigException.CreateContainerError);
}
