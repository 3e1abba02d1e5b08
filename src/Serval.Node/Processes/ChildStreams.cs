using System.Runtime.InteropServices;
using Serval.Kube;

namespace Serval.Node.Processes;

/// <summary>
/// The standard streams of a child that someone here is to talk with: pipes, or a terminal, which is made where the child's root is known.
/// </summary>
internal sealed unsafe class ChildStreams : IDisposable
{
    private const nint OpenAt2 = 437;
    private const ulong ResolveNoMagicLinks = 2;
    private const ulong ResolveInRoot = 16;
    private const int NoControllingTerminal = 0x100; // O_NOCTTY
    private const nint LockSlave = 0x40045431; // TIOCSPTLCK
    private const nint OpenSlave = 0x5441; // TIOCGPTPEER, since Linux 4.13
    private const nint SetSize = 0x5414; // TIOCSWINSZ
    private const int OpenTerminal = Libc.O_RDWR | NoControllingTerminal | Libc.O_CLOEXEC;

    private static readonly nint s_control = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 29 : 16; // ioctl

    private readonly List<int> _childEnds = [];
    private int _childInput = -1;
    private int _childOutput = -1;
    private int _childError = -1;
    private int _master = -1; // guarded by _lock
    private TerminalSize? _size; // guarded by _lock; told before there was a terminal
    private readonly Lock _lock = new();

    private ChildStreams(bool terminal) => IsTerminal = terminal;

    public bool IsTerminal { get; }

    /// <summary>What is written comes to the program; null when it has no input.</summary>
    public Stream? Input { get; private set; }

    /// <summary>What the program writes; null when that goes elsewhere.</summary>
    public Stream? Output { get; private set; }

    public Stream? Error { get; private set; }

    /// <summary>A terminal for all three.</summary>
    public static ChildStreams Terminal() => new(terminal: true);

    /// <summary>Pipes for those wanted; a stream that is not is /dev/null, or with <paramref name="output"/>, an open descriptor, that.</summary>
    public static ChildStreams Pipes(bool stdin, bool stdout, bool stderr, int output = -1)
    {
        var streams = new ChildStreams(terminal: false);
        try
        {
            if (stdin)
            {
                var (read, write) = Pipe();
                (streams._childInput, streams.Input) = (streams.OfChild(read), Near(write, write: true));
            }
            var rest = output;
            if (output < 0 && !(stdout && stderr))
            {
                rest = streams.OfChild(Checked(Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0), "open /dev/null"));
            }
            (streams._childOutput, streams.Output) = stdout ? streams.Reading() : (rest, null);
            (streams._childError, streams.Error) = stderr ? streams.Reading() : (rest, null);
            return streams;
        }
        catch
        {
            streams.Dispose();
            throw;
        }
    }

    /// <summary>The request with these streams, for a child with this root. On the thread that spawns.</summary>
    public SpawnRequest Apply(SpawnRequest request, ChildRoot? root)
    {
        if (IsTerminal)
        {
            var slave = MakeTerminal(root?.Directory);
            (_childInput, _childOutput, _childError) = (slave, slave, slave);
            if (_size is { } size)
            {
                Resize(size);
            }
        }
        foreach (var end in request.User is null ? [] : _childEnds)
        {
            _ = Libc.fchown(end, request.User!.Uid, request.User.Gid); // a program may open /dev/stdout anew
        }
        return request with { Input = _childInput, Output = _childOutput, Error = _childError, Terminal = IsTerminal };
    }

    /// <summary>The child has its ends now, or never will.</summary>
    public void CloseChildEnds()
    {
        _childEnds.ForEach(static e => _ = Libc.close(e));
        _childEnds.Clear();
    }

    /// <summary>Tells a terminal its size, a later one as soon as it is there; nothing else has one.</summary>
    public void Resize(TerminalSize size)
    {
        var numbers = stackalloc ushort[4] { size.Height, size.Width, 0, 0 };
        lock (_lock)
        {
            _size = size;
            _ = _master < 0 ? 0 : Libc.syscall(s_control, _master, SetSize, (nint)numbers, 0);
        }
    }

    public void Dispose()
    {
        CloseChildEnds();
        Input?.Dispose();
        Output?.Dispose();
        Error?.Dispose();
        lock (_lock)
        {
            _ = _master < 0 ? 0 : Libc.close(_master);
            _master = -1;
        }
    }

    // One of the container's own /dev where it has that, so that its programs find the terminal by name; else the machine's.
    private int MakeTerminal(int? root)
    {
        const int flags = OpenTerminal | Libc.O_NONBLOCK;
        var inside = -1;
        if (root is { } directory)
        {
            var how = stackalloc ulong[3] { flags, 0, ResolveInRoot | ResolveNoMagicLinks };
            fixed (byte* path = "dev/pts/ptmx\0"u8)
            {
                inside = (int)Libc.syscall(OpenAt2, directory, (nint)path, (nint)how, 3 * sizeof(ulong));
            }
        }
        _master = inside >= 0 ? inside : Checked(Libc.open("/dev/ptmx", flags, 0), "open /dev/ptmx");
        var unlocked = 0;
        Checked((int)Libc.syscall(s_control, _master, LockSlave, (nint)(&unlocked), 0), "unlock a terminal");
        var slave = OfChild(Checked((int)Libc.syscall(s_control, _master, OpenSlave, OpenTerminal, 0), "open a terminal"));
        // Each direction has a descriptor of its own: one waiter for each.
        Input = new DescriptorStream(Duplicate(_master), write: true);
        Output = new DescriptorStream(Duplicate(_master), write: false);
        return slave;
    }

    private (int Child, Stream Near) Reading()
    {
        var (read, write) = Pipe();
        return (OfChild(write), Near(read, write: false));
    }

    private int OfChild(int fd)
    {
        _childEnds.Add(fd);
        return fd;
    }

    private static DescriptorStream Near(int fd, bool write)
    {
        _ = Libc.fcntl(fd, Libc.F_SETFL, Libc.O_NONBLOCK);
        return new DescriptorStream(fd, write);
    }

    private static int Duplicate(int fd) => Checked(Libc.fcntl(fd, Libc.F_DUPFD_CLOEXEC, 0), "dup");

    private static (int Read, int Write) Pipe()
    {
        var ends = stackalloc int[2];
        Checked(Libc.pipe2(ends, Libc.O_CLOEXEC), "pipe");
        return (ends[0], ends[1]);
    }

    private static int Checked(int result, string what) =>
        result >= 0 ? result : throw new SpawnException($"cannot make the program's streams: {what}: {Libc.LastErrorText()}");
}
