using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Serval.ApiServer.Store;

/// <summary>Where and how objects are kept.</summary>
public sealed record StoreOptions
{
    /// <summary>The database's directory, created when absent. Null keeps everything in memory (tests).</summary>
    public string? Directory { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Most changes kept for watches to resume from.</summary>
    public int MaxChanges { get; init; } = 10_000;

    /// <summary>Most bytes of them: large objects that change often do not fill the disk with what they were.</summary>
    public long MaxChangeBytes { get; init; } = 64 << 20;

    /// <summary>How long a change is kept at most.</summary>
    public TimeSpan MaxChangeAge { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Events a watcher may lag behind before it is cut off with 410.</summary>
    public int WatchBuffer { get; init; } = 4096;

    /// <summary>Changes held in memory, so that a fresh watch need not read the disk.</summary>
    public int RecentChanges { get; init; } = 1024;

    /// <summary>How often a quiet watch that asked for bookmarks gets one.</summary>
    public TimeSpan BookmarkInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Resource versions reserved on disk at a time; an unclean stop skips the rest of a block.</summary>
    internal int VersionBlock { get; init; } = 10_000;

    /// <summary>
    /// About how much in the write-ahead log starts a checkpoint in the background; 0 never does (simulated power loss). A commit whose sync meets one of its
    /// syncs waits for both: 16 MB make that rare.
    /// </summary>
    internal long CheckpointBytes { get; init; } = 16 << 20;

    /// <summary>When the log is so long, because a reader kept it from starting over, the writer cuts it: some tens of milliseconds, and while the reader stays five seconds.</summary>
    internal long LogBytes { get; init; } = 64 << 20;
}
