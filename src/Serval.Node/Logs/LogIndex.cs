using System.Buffers.Binary;

namespace Serval.Node.Logs;

/// <summary>
/// When the bytes of a log file appeared: entries (size, time) beside the file, because the file itself holds exactly what the program wrote.
/// </summary>
internal sealed class LogIndex
{
    public const int EntrySize = 16;

    private readonly byte[] _entries;

    private LogIndex(byte[] entries) => _entries = entries;

    private int Count => _entries.Length / EntrySize;

    public static string PathOf(string log) => Path.ChangeExtension(log, ".idx");

    public static void Encode(Span<byte> entry, long size, DateTimeOffset time)
    {
        BinaryPrimitives.WriteInt64LittleEndian(entry, size);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], time.UtcTicks);
    }

    public static LogIndex Read(string log)
    {
        try
        {
            using var file = new FileStream(PathOf(log), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var bytes = new byte[file.Length / EntrySize * EntrySize];
            file.ReadExactly(bytes);
            return new LogIndex(bytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new LogIndex([]);
        }
    }

    /// <summary>When the byte at an offset was first seen in the file, or null when that is not known yet.</summary>
    public DateTimeOffset? TimeOf(long offset)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Size(middle) > offset ? (low, middle) : (middle + 1, high);
        }
        return low < Count ? Time(low) : null;
    }

    /// <summary>The first offset that appeared at or after a time.</summary>
    public long OffsetSince(DateTimeOffset time)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Time(middle) >= time ? (low, middle) : (middle + 1, high);
        }
        return low == 0 ? 0 : Size(low - 1);
    }

    private long Size(int entry) => BinaryPrimitives.ReadInt64LittleEndian(_entries.AsSpan(entry * EntrySize));

    private DateTimeOffset Time(int entry) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(_entries.AsSpan((entry * EntrySize) + 8)), TimeSpan.Zero);
}
