namespace Serval.Node.Logs;

/// <summary>The request log of a pod: a file beside the logs of its containers. Opened by its first line or its first reader.</summary>
internal sealed class RequestLogFile(string path, LogIndexer logs) : IDisposable
{
    private readonly Lock _lock = new();
    private FileStream? _file; // guarded by _lock
    private LogTrack? _track; // guarded by _lock
    private bool _closed; // guarded by _lock

    /// <summary>Adds whole lines; false, and none of them, when the pod is gone.</summary>
    public bool Append(ReadOnlySpan<byte> lines)
    {
        lock (_lock)
        {
            if (!_closed)
            {
                Open_NeedsLock();
                _file!.Write(lines);
            }
            return !_closed;
        }
    }

    public (string Path, LogTrack? Track) Open()
    {
        lock (_lock)
        {
            if (!_closed)
            {
                Open_NeedsLock();
            }
            return (path, _track);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            _track?.Dispose();
            _file?.Dispose();
        }
    }

    private void Open_NeedsLock()
    {
        if (_file is null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            _track = logs.Track(path);
        }
    }
}
