using System.Buffers.Binary;

namespace Serval.Node.Logs;

/// <summary>
/// When the bytes of a log file appeared: entries (size, time) beside the file, because the file itself holds exactly what the program wrote.
/// </summary>
internal sealed class LogIndex
{
    public const int EntrySize = 16;

    public static readonly LogIndex Empty = new([]);

    private static readonly TimeSpan s_firstGap = TimeSpan.FromSeconds(1);

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
            return Empty;
        }
    }

    /// <summary>Rewrites the index of a log with at most so many entries, as <see cref="Thinned"/> says.</summary>
    public static void Thin(string log, long first, int most)
    {
        var path = PathOf(log);
        var fresh = path + ".new";
        File.WriteAllBytes(fresh, Read(log).Thinned(first, most));
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>
    /// The entries of bytes from <paramref name="first"/> on. While they are more than <paramref name="most"/>, of those closer together than a
    /// gap only the latest stays, so that a byte's time is late by less than that; the gap is 1 s at first and doubles.
    /// </summary>
    public byte[] Thinned(long first, int most)
    {
        var kept = Enumerable.Range(0, Count).Where(e => Size(e) > first).ToList();
        for (var gap = s_firstGap; kept.Count > Math.Max(1, most); gap *= 2)
        {
            var fewer = new List<int>();
            foreach (var entry in kept)
            {
                if (fewer.Count > 0 && Time(entry).Ticks / gap.Ticks == Time(fewer[^1]).Ticks / gap.Ticks)
                {
                    fewer[^1] = entry;
                }
                else
                {
                    fewer.Add(entry);
                }
            }
            kept = fewer;
        }
        var bytes = new byte[kept.Count * EntrySize];
        for (var i = 0; i < kept.Count; i++)
        {
            _entries.AsSpan(kept[i] * EntrySize, EntrySize).CopyTo(bytes.AsSpan(i * EntrySize));
        }
        return bytes;
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
