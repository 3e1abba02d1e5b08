using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Serval.Node.Processes;

/// <summary>
/// What a child becomes before it becomes a container's program: a sealed program of a few instructions in memory, which closes itself and executes
/// the other with the arguments after its first. By then the child is no image of this program and has the container's capabilities alone, so
/// what the kernel opens for it by a name in /proc (an interpreter <c>/proc/self/exe</c>, <c>/proc/1/root/…</c>) is not the machine's
/// (docs/decisions/0019). Each child has one of its own, so containers have nothing of it in common.
/// </summary>
internal sealed unsafe class SealedStart : IDisposable
{
    /// <summary>Where a child has it open.</summary>
    public const int ImageAt = 3;

    /// <summary>Where a child says why it could not execute; closed when it could.</summary>
    public const int ErrorAt = 4;

    /// <summary>Its path in any root with the kernel's /proc.</summary>
    public const string Program = "/proc/self/fd/3";

    private const int FirstFree = 5;
    private const int AddSeals = 1033;
    private const int AllSeals = 0xf; // F_SEAL_SEAL, SHRINK, GROW, WRITE
    private const uint CloseOnExec = 1;
    private const uint AllowSealing = 2;
    private const uint Executable = 0x10; // MFD_EXEC, since Linux 6.3
    private const short PollIn = 1;

    /// <summary>For a program on a slow disk; one that the container stops meanwhile must not hold the node up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly byte[] s_image = RuntimeInformation.ProcessArchitecture == Architecture.Arm64
        ? Elf(machine: 183, MemoryMarshal.AsBytes<uint>(
        [
            0xd2800080, 0xd2800041, 0xd2800022, 0xd2800328, 0xd4000001, // fcntl(4, F_SETFD, FD_CLOEXEC)
            0xb5000220, // not open: it is executed by a script's first line, and ends
            0xd2800060, 0xd2800728, 0xd4000001, // close(3)
            0xf94003e3, 0xf94007e0, 0x910043e1, 0x8b030c22, 0xd2801ba8, 0xd4000001, // execve(argv[0], argv + 1, envp)
            0xcb0003e0, 0xf81f0fe0, 0xd2800080, 0x910003e1, 0xd2800082, 0xd2800808, 0xd4000001, // write(4, &errno, 4)
            0xd2800fe0, 0xd2800bc8, 0xd4000001, // exit_group(127)
        ]))
        : Elf(machine: 62,
        [
            0xbf, 4, 0, 0, 0, 0xbe, 2, 0, 0, 0, 0xba, 1, 0, 0, 0, 0xb8, 72, 0, 0, 0, 0x0f, 0x05, // as above
            0x85, 0xc0, 0x75, 0x37,
            0xbf, 3, 0, 0, 0, 0x89, 0xf8, 0x0f, 0x05,
            0x48, 0x8b, 0x0c, 0x24, 0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8d, 0x74, 0x24, 0x10, 0x48, 0x8d, 0x54, 0xcc, 0x10, 0xb8, 59, 0, 0, 0, 0x0f, 0x05,
            0xf7, 0xd8, 0x50, 0xbf, 4, 0, 0, 0, 0x48, 0x89, 0xe6, 0x89, 0xfa, 0xb8, 1, 0, 0, 0, 0x0f, 0x05,
            0xbf, 127, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05,
        ]);

    private readonly int _listen;
    private int _tell;

    private SealedStart(int image, int listen, int tell) => (Image, _listen, _tell) = (image, listen, tell);

    public int Image { get; }

    /// <summary>This process' descriptor of <see cref="ErrorAt"/>.</summary>
    public int Tell => _tell;

    /// <summary>Throws <see cref="SpawnException"/>.</summary>
    public static SealedStart Make()
    {
        var image = Libc.memfd_create("serval-start", CloseOnExec | AllowSealing | Executable);
        if (image < 0 && Marshal.GetLastPInvokeError() == Libc.EINVAL)
        {
            image = Libc.memfd_create("serval-start", CloseOnExec | AllowSealing);
        }
        fixed (byte* content = s_image)
        {
            var ends = stackalloc int[2];
            if (image < 0 || Libc.write(image, content, (nuint)s_image.Length) != s_image.Length || Libc.fcntl(image, AddSeals, AllSeals) != 0
                || Libc.pipe2(ends, Libc.O_CLOEXEC) != 0)
            {
                var why = Libc.LastErrorText();
                _ = Libc.close(image);
                throw new SpawnException($"cannot make the program that every other is started by: {why}; let memory be executed (sysctl vm.memfd_noexec below 2)");
            }
            var made = new SealedStart(Above(image), ends[0], Above(ends[1]));
            if (Math.Min(made.Image, made._tell) is < 0 and var error)
            {
                made.Dispose();
                throw new SpawnException($"cannot make the program that every other is started by: {Libc.ErrorText(-error)}");
            }
            return made;
        }
    }

    /// <summary>Waits until the child has executed its program. Returns 0, or why it did not; then the child is gone.</summary>
    public int Await(int pid, TimeSpan patience)
    {
        _ = Libc.close(_tell);
        _tell = -1;
        var poll = stackalloc int[2] { _listen, PollIn };
        var wait = stackalloc long[2] { patience.Ticks / TimeSpan.TicksPerSecond, patience.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick };
        int ready, error = 0;
        do
        {
            ready = Libc.ppoll(poll, 1, wait, null);
        }
        while (ready < 0 && Marshal.GetLastPInvokeError() == Libc.EINTR);
        if (ready > 0 && Libc.read(_listen, &error, sizeof(int)) == 0)
        {
            return 0;
        }
        new ChildProcess(pid, startTicks: 0).Reap();
        return error == 0 ? Libc.ETIMEDOUT : error;
    }

    public void Dispose()
    {
        _ = Image < 0 ? 0 : Libc.close(Image);
        _ = Libc.close(_listen);
        _ = _tell < 0 ? 0 : Libc.close(_tell);
    }

    // Out of the way of what a child has. Returns the negative error when there is no room.
    private static int Above(int fd)
    {
        var moved = Libc.fcntl(fd, Libc.F_DUPFD_CLOEXEC, FirstFree);
        moved = moved < 0 ? -Marshal.GetLastPInvokeError() : moved;
        _ = Libc.close(fd);
        return moved;
    }

    // One segment, read and executed (elf(5)).
    private static byte[] Elf(ulong machine, ReadOnlySpan<byte> code)
    {
        const ulong address = 0x400000;
        const int head = 120;
        var size = (ulong)(head + code.Length);
        ReadOnlySpan<ulong> words =
        [
            0x0001_0102_464c_457f, 0, 2 | (machine << 16) | (1UL << 32), address + head, 64, 0, (64UL << 32) | (56UL << 48), 1,
            1 | (5UL << 32), 0, address, address, size, size, 0x10000,
        ];
        var image = new byte[size];
        for (var i = 0; i < words.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(i * sizeof(ulong)), words[i]);
        }
        code.CopyTo(image.AsSpan(head));
        return image;
    }
}
