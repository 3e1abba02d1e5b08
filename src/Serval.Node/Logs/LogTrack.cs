using Serval.Node.Processes;

namespace Serval.Node.Logs;

/// <summary>
/// The log file of a running container: its size as last seen, and who waits for more. The index beside it is best effort: when it cannot be
/// written, lines lose their times and nothing else.
/// </summary>
internal sealed class LogTrack : IDisposable
{
    private const int PunchHole = 3; // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
    private const long Piece = 10L << 20;
    private const long Kept = 5 * Piece;

    private readonly LogIndexer _owner;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private FileStream? _index; // guarded by _lock; null when it could not be opened
    private TaskCompletionSource _more = New(); // guarded by _lock
    private long _size; // guarded by _lock
    private long _first; // guarded by _lock; what lies before has been given back to the disk
    private bool _keepsAll; // guarded by _lock; the file system cannot take parts back
    private bool _closed; // guarded by _lock
    private int _failed;

    public LogTrack(LogIndexer owner, string path, int watch, TimeProvider time)
    {
        (_owner, _time, Path, Watch) = (owner, time, path, watch);
        Try(() => _index = OpenIndex());
    }

    public string Path { get; }

    public int Watch { get; }

    /// <summary>Completes when the file grew beyond an offset (true) or never will (false).</summary>
    public async Task<bool> WaitBeyondAsync(long offset, CancellationToken ct)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (_size > offset)
                {
                    return true;
                }
                if (_closed)
                {
                    return false;
                }
                more = _more.Task;
            }
            await more.WaitAsync(ct);
        }
    }

    /// <summary>Notes how much there is now.</summary>
    public void Look()
    {
        lock (_lock)
        {
            if (!_closed)
            {
                Note();
            }
        }
    }

    /// <summary>The container is gone: takes a last look and lets everybody go.</summary>
    public void Dispose()
    {
        _owner.Forget(this);
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }
            Note();
            _closed = true;
            _more.TrySetResult();
            _index?.Dispose();
        }
    }

    /// <summary>Whether this is the first failure: only that is worth a line.</summary>
    internal bool FailsFirst() => Interlocked.Exchange(ref _failed, 1) == 0;

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FileStream OpenIndex() => new(
        LogIndex.PathOf(Path), FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private void Note()
    {
        var file = new FileInfo(Path);
        var size = file.Exists ? file.Length : _size;
        if (size == _size)
        {
            return;
        }
        _size = size;
        Try(AddEntry);
        GiveBack();
        var waiting = _more;
        _more = New();
        waiting.TrySetResult();
    }

    private void AddEntry()
    {
        Span<byte> entry = stackalloc byte[LogIndex.EntrySize];
        LogIndex.Encode(entry, _size, _time.GetUtcNow());
        _index?.Write(entry);
        if (_index?.Position >= (long)_owner.MostEntries * LogIndex.EntrySize)
        {
            LogIndex.Thin(Path, _first, _owner.MostEntries / 2);
            _index.Dispose();
            _index = null;
            _index = OpenIndex();
        }
    }

    // The program holds the file open for appending, so it cannot be renamed or cut without losing lines. Its old part is given back to the
    // disk in place instead: offsets stay, nothing new is lost, and at most Kept + Piece bytes are stored.
    private void GiveBack()
    {
        while (!_keepsAll && _size - _first > Kept + Piece)
        {
            var fd = Libc.open(Path, Libc.O_RDWR | Libc.O_CLOEXEC, 0);
            var done = fd >= 0 && Libc.fallocate(fd, PunchHole, _first, Piece) == 0;
            _ = Libc.close(fd);
            if (!done)
            {
                _keepsAll = true;
                return;
            }
            _first += Piece;
        }
    }

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _owner.IndexFailed(e, this);
        }
    }
}
