using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Serval.Node.Processes;

/// <summary>Waits for descriptors that the runtime has no asynchronous reads and writes for: pipes and terminals. Its thread begins with the first.</summary>
[SuppressMessage("Design", "CA1001", Justification = "It lives as long as the process.")]
internal sealed class DescriptorPoller
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _waiting = new();
    private readonly Epoll _epoll = new();
    private long _keys;

    private DescriptorPoller() => new Thread(() => _epoll.Run(Ready)) { IsBackground = true, Name = "serval-node-streams" }.Start();

    /// <summary>One serves the process for as long as it lives.</summary>
    public static Lazy<DescriptorPoller> Shared { get; } = new(static () => new DescriptorPoller());

    /// <summary>Completes when the descriptor can be read, or written, or has failed. One waiter for each descriptor.</summary>
    public async Task WaitAsync(int fd, bool write, CancellationToken ct)
    {
        var key = Interlocked.Increment(ref _keys);
        var ready = _waiting[key] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var added = _epoll.Add(fd, (write ? Epoll.Out : Epoll.In) | Epoll.OneShot, key);
        try
        {
            if (!added)
            {
                throw new IOException($"cannot wait for a descriptor: epoll_ctl: {Libc.LastErrorText()}");
            }
            await ready.Task.WaitAsync(ct);
        }
        finally
        {
            _waiting.TryRemove(key, out _);
            if (added)
            {
                _epoll.Remove(fd);
            }
        }
    }

    private void Ready(long key)
    {
        if (_waiting.TryGetValue(key, out var ready))
        {
            ready.TrySetResult();
        }
    }
}
