using System.Runtime.InteropServices;
using System.Text;

namespace Serval.Node.Processes;

/// <summary>
/// Starts a child in a new session with clean signal handling, /dev/null as input and every other descriptor closed. The child gets the
/// mount namespace and root of the calling thread.
/// </summary>
internal static unsafe class ProcessSpawner
{
    private const int Room = 512; // more than any C library's posix_spawnattr_t (glibc 336) and file actions (glibc 80)
    private const int SignalSetRoom = 128;
    private const int FirstOther = 3;
    private const int MostGroups = 65536 / 16; // a thread with more (NGROUPS_MAX is 65536) is refused by getgroups
    private const nint OpenAt2 = 437;
    private const nint AtCurrent = -100; // AT_FDCWD; the path is absolute
    private const ulong OPath = 0x200000;
    private const ulong ResolveNoMagicLinks = 2;
    private const nint PrCapAmbient = 47;
    private const nint PrCapAmbientClearAll = 4;
    private const nint PrCapBoundDrop = 24;
    private const nint PrSetNoNewPrivileges = 38;
    private const nint DetachMount = 2; // MNT_DETACH
    private const int CapabilityVersion3 = 0x20080522;
    private const int Inheritable = 2; // of effective, permitted, inheritable; twice, for the low and the high half

    private static readonly bool s_arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly nint s_getGroups = s_arm ? 158 : 115;
    private static readonly nint s_setGroups = s_arm ? 159 : 116;
    private static readonly nint s_setResUid = s_arm ? 147 : 117;
    private static readonly nint s_setResGid = s_arm ? 149 : 119;
    private static readonly nint s_prctl = s_arm ? 167 : 157;
    private static readonly nint s_capGet = s_arm ? 90 : 125;
    private static readonly nint s_capSet = s_arm ? 91 : 126;
    private static readonly nint s_pivotRoot = s_arm ? 41 : 155;
    private static readonly nint s_unmount = s_arm ? 39 : 166;
    private static readonly nint s_changeToDirectory = s_arm ? 50 : 81;
    private static readonly nint s_setNamespace = s_arm ? 268 : 308;
    private static readonly ulong s_directoryFlags = (s_arm ? 0x4000UL : 0x10000UL) | OPath | Libc.O_CLOEXEC; // O_DIRECTORY differs

    // Since glibc 2.34; without it close-on-exec flags alone keep descriptors from the child.
    private static readonly delegate* unmanaged<void*, int, int> s_closeFrom = Find("posix_spawn_file_actions_addclosefrom_np");

    // Since glibc 2.39.
    private static readonly delegate* unmanaged<void*, int, int> s_setGroup = Find("posix_spawnattr_setcgroup_np");

    private static readonly delegate* unmanaged<byte*, int> s_chroot = (delegate* unmanaged<byte*, int>)Export("chroot");

    private static readonly delegate* unmanaged<int, int> s_close = (delegate* unmanaged<int, int>)Export("close");

    private static readonly delegate* unmanaged<void*, int, int, int> s_addDuplicate =
        (delegate* unmanaged<void*, int, int, int>)Export("posix_spawn_file_actions_adddup2");

    private static readonly delegate* unmanaged<void*, byte*, int> s_addChangeDirectory =
        (delegate* unmanaged<void*, byte*, int>)Export("posix_spawn_file_actions_addchdir_np");

    private static readonly delegate* unmanaged<void*, int, int> s_addEnterDirectory =
        (delegate* unmanaged<void*, int, int>)Export("posix_spawn_file_actions_addfchdir_np");

    private static readonly delegate* unmanaged<int*, byte*, void*, void*, byte**, byte**, int> s_spawn =
        (delegate* unmanaged<int*, byte*, void*, void*, byte**, byte**, int>)Export("posix_spawn");

    private static readonly delegate* unmanaged<nint, nint, nint, nint, nint, nint, nint> s_syscall =
        (delegate* unmanaged<nint, nint, nint, nint, nint, nint, nint>)Export("syscall");

    private static readonly Lazy<int> s_machine = new(static () => Libc.open("/proc/self/ns/mnt", Libc.O_RDONLY | Libc.O_CLOEXEC, 0));

    private static readonly Lazy<int> s_null = new(static () => Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0));

    /// <summary>Whether a child can begin in <see cref="SpawnRequest.Group"/>.</summary>
    public static bool CanStartInGroup => s_setGroup != null;

    /// <summary>
    /// Starts the program and returns its pid. With a <paramref name="root"/> that becomes the child's root directory, and a
    /// <see cref="SealedStart"/> what it is first; then the calling thread must be in a mount namespace of its own. Throws <see cref="SpawnException"/>.
    /// </summary>
    public static int Spawn(SpawnRequest request, ChildRoot? root = null)
    {
        var attributes = stackalloc byte[Room];
        var actions = stackalloc byte[Room];
        _ = Libc.posix_spawnattr_init(attributes);
        _ = Libc.posix_spawn_file_actions_init(actions);
        using var strings = new NativeStrings();
        try
        {
            SetAttributes(attributes, request.Group);
            _ = s_addDuplicate(actions, request.Input >= 0 ? request.Input : s_null.Value, 0);
            _ = s_addDuplicate(actions, request.Output, 1);
            _ = s_addDuplicate(actions, request.Error >= 0 ? request.Error : request.Output, 2);
            if (request.Terminal)
            {
                // The leader of a new session that opens a terminal anew gets it as its controlling one (tty_ioctl(2) needs no other call).
                _ = Libc.posix_spawn_file_actions_addopen(actions, 0, strings.Add("/proc/self/fd/1"), Libc.O_RDWR, 0);
                _ = s_addDuplicate(actions, 0, 1);
                _ = s_addDuplicate(actions, 0, 2);
            }
            using var first = root is null ? null : SealedStart.Make();
            var program = strings.Add(first is null ? request.Program : SealedStart.Program);
            var argv = strings.Array(first is null ? request.Arguments : [request.Program, .. request.Arguments]);
            var environment = strings.Array(request.Environment);
            int pid;
            var groups = request.User is { } user ? [user.Gid, .. user.Groups] : Array.Empty<uint>();
            int error;
            fixed (uint* ids = groups)
            {
                var start = new Start
                {
                    Pid = &pid, Program = program, Actions = actions, Attributes = attributes, Arguments = argv, Environment = environment,
                    Directory = strings.Add(request.WorkingDirectory), User = request.User?.Uid ?? 0, Groups = ids, GroupCount = groups.Length,
                    Capabilities = request.Privileges?.Capabilities ?? ulong.MaxValue, NoNewPrivileges = request.Privileges?.NoNew == true,
                    First = first?.Image ?? -1, Tell = first?.Tell ?? -1,
                };
                error = root is { } directory ? SpawnBelow(directory, s_machine.Value, &start) : SpawnIn(&start);
            }
            error = error == 0 && first is not null ? first.Await(pid, SealedStart.Patience) : error;
            return error == 0
                ? pid
                : throw new SpawnException($"cannot start \"{request.Arguments[0]}\": {Libc.ErrorText(error)}{Advice(error)}");
        }
        finally
        {
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    // The program itself is there and marked as executable: that is looked at before.
    private static string Advice(int error) => error switch
    {
        Libc.ENOENT => "; the interpreter or loader that it names is not in the image: add it, or name one that is there",
        Libc.ENOEXEC => $"; it is no program for this machine: a script begins with a line such as #!/bin/sh, a binary is built for linux and {RuntimeInformation.OSArchitecture}",
        Libc.EACCES => "; it or a directory above it may not be executed by this user: check modes, and whether the file system is mounted noexec",
        Libc.ETIMEDOUT => "; something stopped it before it began, or the disk it is read from does not answer",
        Libc.E2BIG => "; its arguments and environment are too large together: pass less, or pass files",
        _ => "",
    };

    // Between the two changes of root the runtime must not need a file (an assembly, a resource): only resolved pointers are called.
    private static int SpawnBelow(ChildRoot root, int machine, Start* start)
    {
        var dot = stackalloc byte[2];
        dot[0] = (byte)'.';
        dot[1] = 0;
        var entered = s_syscall(s_changeToDirectory, root.Directory, 0, 0, 0, 0) == 0;
        // Both roots are at one place then, the old one on top: it goes, and nothing leads back to it. Where the machine's root is no mount
        // (a chroot, an initramfs) the child's root alone is changed.
        var pivoted = entered && root.IsMount && s_syscall(s_pivotRoot, (nint)dot, (nint)dot, 0, 0, 0) == 0;
        entered = pivoted ? s_syscall(s_unmount, (nint)dot, DetachMount, 0, 0, 0) == 0 : entered && s_chroot(dot) == 0;
        var error = entered ? SpawnIn(start) : Marshal.GetLastSystemError();
        _ = s_close(root.Directory);
        _ = s_syscall(s_setNamespace, machine, Libc.CLONE_NEWNS, 0, 0, 0);
        return error;
    }

    // Another user may be in a directory below one that is closed to it, so that is opened as this process' user: inside the child's root, and
    // not by the links in /proc that lead out of it, because a running container may have put anything in its place. Where it cannot be opened
    // (openat2(2) is of Linux 5.6) the child enters it as its own user, or fails to.
    private static int SpawnIn(Start* start)
    {
        var how = stackalloc ulong[3] { s_directoryFlags, 0, ResolveNoMagicLinks };
        var directory = start->GroupCount == 0 ? -1 : (int)s_syscall(OpenAt2, AtCurrent, (nint)start->Directory, (nint)how, 3 * sizeof(ulong), 0);
        _ = directory >= 0 ? s_addEnterDirectory(start->Actions, directory) : s_addChangeDirectory(start->Actions, start->Directory);
        var other = FirstOther;
        if (start->First >= 0)
        {
            _ = s_addDuplicate(start->Actions, start->First, SealedStart.ImageAt);
            _ = s_addDuplicate(start->Actions, start->Tell, SealedStart.ErrorAt);
            other = SealedStart.ErrorAt + 1;
        }
        if (s_closeFrom != null)
        {
            s_closeFrom(start->Actions, other);
        }
        var error = Limit(start);
        error = error == 0 ? SpawnAs(start) : error;
        if (directory >= 0)
        {
            _ = s_close(directory);
        }
        return error;
    }

    // What an exec can give is bound for good in this thread and its children; what the thread itself has stays, so that it can go back.
    private static int Limit(Start* start)
    {
        if (start->NoNewPrivileges && s_syscall(s_prctl, PrSetNoNewPrivileges, 1, 0, 0, 0) != 0)
        {
            return Marshal.GetLastSystemError();
        }
        if (start->Capabilities == ulong.MaxValue)
        {
            return 0;
        }
        for (var capability = 0; capability < 64; capability++)
        {
            if ((start->Capabilities >> capability & 1) == 0 && s_syscall(s_prctl, PrCapBoundDrop, capability, 0, 0, 0) != 0)
            {
                var error = Marshal.GetLastSystemError();
                if (error != Libc.EINVAL)
                {
                    return error;
                }
                break; // the kernel knows no more of them
            }
        }
        var head = stackalloc int[2] { CapabilityVersion3, 0 };
        var sets = stackalloc uint[6];
        if (s_syscall(s_capGet, (nint)head, (nint)sets, 0, 0, 0) != 0)
        {
            return Marshal.GetLastSystemError();
        }
        (sets[Inheritable], sets[Inheritable + 3]) = (0, 0);
        return s_syscall(s_capSet, (nint)head, (nint)sets, 0, 0, 0) == 0 && s_syscall(s_prctl, PrCapAmbient, PrCapAmbientClearAll, 0, 0, 0) == 0
            ? 0
            : Marshal.GetLastSystemError();
    }

    // A child begins as the user of the thread that starts it. The C library's functions change all threads of the process, the kernel's only
    // this one; its saved user stays root, so that it can go back, and is gone in the child with its exec (execve(2)). As that keeps the ambient
    // capabilities, which an exec would pass on, they are dropped before.
    private static int SpawnAs(Start* start)
    {
        if (start->GroupCount == 0)
        {
            return Spawn(start);
        }
        var before = stackalloc uint[MostGroups];
        var count = s_syscall(s_getGroups, MostGroups, (nint)before, 0, 0, 0);
        var error = 0;
        if (count < 0
            || s_syscall(s_prctl, PrCapAmbient, PrCapAmbientClearAll, 0, 0, 0) != 0
            || s_syscall(s_setGroups, start->GroupCount, (nint)start->Groups, 0, 0, 0) != 0
            || s_syscall(s_setResGid, (nint)start->Groups[0], (nint)start->Groups[0], 0, 0, 0) != 0
            || s_syscall(s_setResUid, (nint)start->User, (nint)start->User, 0, 0, 0) != 0)
        {
            error = Marshal.GetLastSystemError();
        }
        else
        {
            error = Spawn(start);
        }
        _ = s_syscall(s_setResUid, 0, 0, 0, 0, 0);
        _ = s_syscall(s_setResGid, 0, 0, 0, 0, 0);
        _ = count < 0 ? 0 : s_syscall(s_setGroups, count, (nint)before, 0, 0, 0);
        return error;
    }

    private static int Spawn(Start* start) =>
        s_spawn(start->Pid, start->Program, start->Actions, start->Attributes, start->Arguments, start->Environment);

    // The runtime ignores SIGPIPE and handles others; a child must start with none of that.
    private static void SetAttributes(void* attributes, int group)
    {
        var set = stackalloc byte[SignalSetRoom];
        _ = Libc.sigfillset(set);
        _ = Libc.posix_spawnattr_setsigdefault(attributes, set);
        _ = Libc.sigemptyset(set);
        _ = Libc.posix_spawnattr_setsigmask(attributes, set);
        var flags = Libc.POSIX_SPAWN_SETSIGDEF | Libc.POSIX_SPAWN_SETSIGMASK | Libc.POSIX_SPAWN_SETSID;
        if (group >= 0)
        {
            s_setGroup(attributes, group);
            flags |= Libc.POSIX_SPAWN_SETCGROUP;
        }
        _ = Libc.posix_spawnattr_setflags(attributes, (short)flags);
    }

    private static delegate* unmanaged<void*, int, int> Find(string name) =>
        NativeLibrary.TryGetExport(LoadLibc(), name, out var address) ? (delegate* unmanaged<void*, int, int>)address : null;

    private static nint Export(string name) => NativeLibrary.GetExport(LoadLibc(), name);

    private static nint LoadLibc() => NativeLibrary.Load("libc", typeof(ProcessSpawner).Assembly, null);

    /// <summary>One posix_spawn, and as whom.</summary>
    private struct Start
    {
        public int* Pid;
        public byte* Program;
        public byte* Directory;
        public void* Actions;
        public void* Attributes;
        public byte** Arguments;
        public byte** Environment;
        public uint User;
        public uint* Groups; // the primary one first
        public int GroupCount; // 0: as this process
        public ulong Capabilities;
        public bool NoNewPrivileges;
        public int First; // a SealedStart's image, or -1
        public int Tell;
    }

    private sealed class NativeStrings : IDisposable
    {
        private readonly List<nint> _blocks = [];

        public byte* Add(string text)
        {
            var block = (byte*)NativeMemory.Alloc((nuint)Encoding.UTF8.GetByteCount(text) + 1);
            _blocks.Add((nint)block);
            var length = Encoding.UTF8.GetBytes(text, new Span<byte>(block, Encoding.UTF8.GetByteCount(text)));
            block[length] = 0;
            return block;
        }

        public byte** Array(IReadOnlyList<string> texts)
        {
            var array = (byte**)NativeMemory.Alloc((nuint)(texts.Count + 1), (nuint)sizeof(byte*));
            _blocks.Add((nint)array);
            for (var i = 0; i < texts.Count; i++)
            {
                array[i] = Add(texts[i]);
            }
            array[texts.Count] = null;
            return array;
        }

        public void Dispose()
        {
            foreach (var block in _blocks)
            {
                NativeMemory.Free((void*)block);
            }
        }
    }
}
