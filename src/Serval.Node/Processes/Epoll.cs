using System.Runtime.InteropServices;

namespace Serval.Node.Processes;

/// <summary>An epoll(7) instance, which one thread waits at. It can be stopped once.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    public const uint In = 1;
    public const uint Out = 4;
    public const uint OneShot = 1u << 30;
    private const int AddOperation = 1;
    private const int RemoveOperation = 2;
    private const int Batch = 64;
    private const long StopKey = -1;

    // struct epoll_event is packed on x86-64 only.
    private static readonly int s_eventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int s_dataOffset = s_eventSize - 8;

    private readonly int _epoll;
    private readonly int _stop;

    public Epoll()
    {
        _epoll = Libc.epoll_create1(Libc.O_CLOEXEC);
        _stop = Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        if (_epoll < 0 || _stop < 0 || !Add(_stop, In, StopKey))
        {
            throw new InvalidOperationException($"cannot wait for descriptors: epoll: {Libc.LastErrorText()}; raise the limit of open files");
        }
    }

    /// <summary>Waits for a descriptor; <paramref name="key"/>, not negative, is told when it is there.</summary>
    public bool Add(int fd, uint events, long key)
    {
        var e = stackalloc byte[16];
        *(uint*)e = events;
        *(long*)(e + s_dataOffset) = key;
        return Libc.epoll_ctl(_epoll, AddOperation, fd, e) == 0;
    }

    public void Remove(int fd)
    {
        var e = stackalloc byte[16];
        _ = Libc.epoll_ctl(_epoll, RemoveOperation, fd, e);
    }

    /// <summary>Tells the keys of descriptors that are there, until <see cref="Stop"/>.</summary>
    public void Run(Action<long> ready)
    {
        var events = stackalloc byte[16 * Batch];
        while (true)
        {
            var count = Libc.epoll_wait(_epoll, events, Batch, -1);
            for (var i = 0; i < count; i++)
            {
                var key = *(long*)(events + (i * s_eventSize) + s_dataOffset);
                if (key == StopKey)
                {
                    return;
                }
                ready(key);
            }
        }
    }

    public void Stop()
    {
        ulong one = 1;
        _ = Libc.write(_stop, &one, 8);
    }

    /// <summary>When nobody waits any more.</summary>
    public void Dispose()
    {
        _ = Libc.close(_epoll);
        _ = Libc.close(_stop);
    }
}
