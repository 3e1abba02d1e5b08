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

    // Since glibc 2.34; without it close-on-exec flags alone keep descriptors from the child.
    private static readonly delegate* unmanaged<void*, int, int> s_closeFrom = FindCloseFrom();

    private static readonly delegate* unmanaged<byte*, int> s_chroot = (delegate* unmanaged<byte*, int>)Export("chroot");

    private static readonly delegate* unmanaged<int*, byte*, void*, void*, byte**, byte**, int> s_spawn =
        (delegate* unmanaged<int*, byte*, void*, void*, byte**, byte**, int>)Export("posix_spawn");

    private static readonly Lazy<int> s_null = new(static () => Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0));

    /// <summary>
    /// Starts the program and returns its pid. With a <paramref name="root"/> that becomes the child's root directory; then the calling
    /// thread must not share its own root with others. Throws <see cref="SpawnException"/>.
    /// </summary>
    public static int Spawn(SpawnRequest request, string? root = null)
    {
        var attributes = stackalloc byte[Room];
        var actions = stackalloc byte[Room];
        _ = Libc.posix_spawnattr_init(attributes);
        _ = Libc.posix_spawn_file_actions_init(actions);
        using var strings = new NativeStrings();
        try
        {
            SetSignals(attributes);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, s_null.Value, 0);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, request.Output, 1);
            _ = Libc.posix_spawn_file_actions_adddup2(actions, request.Output, 2);
            _ = Libc.posix_spawn_file_actions_addchdir_np(actions, strings.Add(request.WorkingDirectory));
            if (s_closeFrom != null)
            {
                s_closeFrom(actions, FirstOther);
            }
            var program = strings.Add(request.Program);
            var argv = strings.Array(request.Arguments);
            var environment = strings.Array(request.Environment);
            int pid;
            var error = root is null
                ? s_spawn(&pid, program, actions, attributes, argv, environment)
                : SpawnBelow(strings.Add(root), &pid, program, actions, attributes, argv, environment);
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
        Libc.E2BIG => "; its arguments and environment are too large together: pass less, or pass files",
        _ => "",
    };

    // Between the two changes of root the runtime must not need a file (an assembly, a resource): only resolved pointers are called.
    private static int SpawnBelow(byte* root, int* pid, byte* program, void* actions, void* attributes, byte** argv, byte** environment)
    {
        var dot = stackalloc byte[2];
        dot[0] = (byte)'.';
        dot[1] = 0;
        var old = Libc.open("/", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (old < 0 || Libc.fchdir(old) != 0 || s_chroot(root) != 0)
        {
            var failed = Marshal.GetLastSystemError();
            _ = Libc.close(old);
            return failed;
        }
        var error = s_spawn(pid, program, actions, attributes, argv, environment);
        _ = s_chroot(dot); // the working directory stayed outside
        _ = Libc.close(old);
        return error;
    }

    // The runtime ignores SIGPIPE and handles others; a child must start with none of that.
    private static void SetSignals(void* attributes)
    {
        var set = stackalloc byte[SignalSetRoom];
        _ = Libc.sigfillset(set);
        _ = Libc.posix_spawnattr_setsigdefault(attributes, set);
        _ = Libc.sigemptyset(set);
        _ = Libc.posix_spawnattr_setsigmask(attributes, set);
        _ = Libc.posix_spawnattr_setflags(
            attributes, (short)(Libc.POSIX_SPAWN_SETSIGDEF | Libc.POSIX_SPAWN_SETSIGMASK | Libc.POSIX_SPAWN_SETSID));
    }

    private static delegate* unmanaged<void*, int, int> FindCloseFrom()
    {
        const string name = "posix_spawn_file_actions_addclosefrom_np";
        return NativeLibrary.TryGetExport(LoadLibc(), name, out var address) ? (delegate* unmanaged<void*, int, int>)address : null;
    }

    private static nint Export(string name) => NativeLibrary.GetExport(LoadLibc(), name);

    private static nint LoadLibc() => NativeLibrary.Load("libc", typeof(ProcessSpawner).Assembly, null);

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
