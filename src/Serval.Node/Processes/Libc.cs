using System.Runtime.InteropServices;

namespace Serval.Node.Processes;

/// <summary>The part of Linux' C library the node agent calls. Constants are those of x86-64 and arm64.</summary>
internal static unsafe partial class Libc
{
    internal const int SIGKILL = 9;
    internal const int SIGTERM = 15;
    internal const int ENOENT = 2;
    internal const int EINTR = 4;
    internal const int E2BIG = 7;
    internal const int ENOEXEC = 8;
    internal const int EACCES = 13;
    internal const int EBUSY = 16;
    internal const int EEXIST = 17;
    internal const int ENOTDIR = 20;
    internal const int EINVAL = 22;
    internal const int ETIMEDOUT = 110;

    internal const int O_RDONLY = 0;
    internal const int O_WRONLY = 1;
    internal const int O_RDWR = 2;
    internal const int O_CREAT = 0x40;
    internal const int O_EXCL = 0x80;
    internal const int O_APPEND = 0x400;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;
    internal const int O_PATH = 0x200000;

    internal const int F_SETFL = 4;
    internal const int F_DUPFD_CLOEXEC = 1030;

    internal const short POSIX_SPAWN_SETSIGDEF = 0x04;
    internal const short POSIX_SPAWN_SETSIGMASK = 0x08;
    internal const short POSIX_SPAWN_SETSID = 0x80;
    internal const short POSIX_SPAWN_SETCGROUP = 0x100;

    internal static readonly int O_NOFOLLOW = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;

    internal const int CLONE_FS = 0x200;
    internal const int CLONE_NEWNS = 0x20000;
    internal const int CLONE_NEWUTS = 0x4000000;
    internal const int CLONE_NEWNET = 0x40000000;

    internal const nuint MS_RDONLY = 1;
    internal const nuint MS_NOSUID = 2;
    internal const nuint MS_NODEV = 4;
    internal const nuint MS_NOEXEC = 8;
    internal const nuint MS_REMOUNT = 32;
    internal const nuint MS_BIND = 4096;
    internal const nuint MS_MOVE = 8192;
    internal const nuint MS_REC = 16384;
    internal const nuint MS_UNBINDABLE = 1 << 17;
    internal const nuint MS_PRIVATE = 1 << 18;

    private const string Lib = "libc";

    [LibraryImport(Lib)]
    internal static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Lib)]
    internal static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Lib)]
    internal static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Lib)]
    internal static partial int posix_spawnattr_setsigdefault(void* attributes, void* set);

    [LibraryImport(Lib)]
    internal static partial int posix_spawnattr_setsigmask(void* attributes, void* set);

    [LibraryImport(Lib)]
    internal static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Lib)]
    internal static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Lib)]
    internal static partial int posix_spawn_file_actions_addopen(void* actions, int fd, byte* path, int flags, uint mode);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int pipe2(int* fds, int flags);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int memfd_create(string name, uint flags);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport(Lib)]
    internal static partial int sigemptyset(void* set);

    [LibraryImport(Lib)]
    internal static partial int sigfillset(void* set);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int open(string path, int flags, uint mode);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int open(byte* path, int flags, uint mode);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int openat(int directory, string path, int flags, uint mode);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mkdirat(int directory, string path, uint mode);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint readlinkat(int directory, string path, byte* buffer, nuint size);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint read(int fd, void* buffer, nuint count);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint write(int fd, void* buffer, nuint count);

    [LibraryImport(Lib)]
    internal static partial int close(int fd);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint readlink(byte* path, byte* buffer, nuint size);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int rename(string from, string to);

    [LibraryImport(Lib)]
    internal static partial uint geteuid();

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int fchown(int fd, uint user, uint group);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chown(string path, int user, int group);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int waitid(int idType, int id, void* info, int options);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint syscall(nint number, nint a, nint b);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint syscall(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int epoll_create1(int flags);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int epoll_ctl(int epoll, int operation, int fd, void* e);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int epoll_wait(int epoll, void* events, int max, int timeout);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int eventfd(uint initial, int flags);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int ppoll(void* fds, nuint count, void* timeout, void* mask);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int socket(int family, int type, int protocol);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint send(int fd, void* buffer, nuint size, int flags);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial nint recv(int fd, void* buffer, nuint size, int flags);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int unshare(int flags);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int setns(int fd, int type);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int sethostname(byte* name, nuint length);

    [LibraryImport(Lib)]
    internal static partial uint umask(uint mask);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int inotify_init1(int flags);

    [LibraryImport(Lib, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int inotify_add_watch(int fd, string path, uint mask);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int inotify_rm_watch(int fd, int watch);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial long lseek(int fd, long offset, int whence);

    [LibraryImport(Lib, SetLastError = true)]
    internal static partial int fallocate(int fd, int mode, long offset, long length);

    /// <summary>The text of an error number, for messages.</summary>
    internal static string ErrorText(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>The text of the last failed call.</summary>
    internal static string LastErrorText() => ErrorText(Marshal.GetLastPInvokeError());
}
