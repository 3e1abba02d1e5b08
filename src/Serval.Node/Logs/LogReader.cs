using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Serval.Kube;
using Serval.Node.Processes;

namespace Serval.Node.Logs;

/// <summary>Copies a log file to a client: a tail, a time, time stamps, a limit, and what is still to come.</summary>
internal sealed class LogReader(string path, LogTrack? track, TimeProvider time)
{
    private const int ChunkSize = 32 * 1024;
    private const int SeekData = 3;
    private const long LongAgo = 1_000_000_000; // seconds; before any log

    private LogIndex _index = LogIndex.Empty;
    private bool _atLineStart = true;
    private bool _inEarlyLine;

    public async Task CopyAsync(LogOptions options, Stream output, CancellationToken ct)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (options.Timestamps || options.SinceTime is not null || options.SinceSeconds is not null)
        {
            _index = LogIndex.Read(path);
        }
        var since = options.SinceTime ?? (options.SinceSeconds is { } s ? time.GetUtcNow() - TimeSpan.FromSeconds(Math.Clamp(s, 0, LongAgo)) : null);
        var offset = Start(file, since, options.TailLines);
        var left = options.LimitBytes ?? long.MaxValue;
        var chunk = new byte[ChunkSize];
        while (left > 0)
        {
            var read = await RandomAccess.ReadAsync(file, chunk, offset, ct);
            if (read > 0 && chunk[0] == 0 && FirstByte(file) is var kept && kept > offset)
            {
                (offset, _atLineStart, _inEarlyLine) = (kept, true, false); // a slow reader: what it was to get next has been given back meanwhile
                continue;
            }
            if (read > 0 && Early(chunk.AsSpan(0, read), since) is > 0 and var early)
            {
                offset += early;
                continue;
            }
            if (read > 0)
            {
                var piece = options.Timestamps ? Stamp(chunk.AsSpan(0, read), offset) : chunk.AsMemory(0, read);
                piece = piece[..(int)Math.Min(piece.Length, left)];
                await output.WriteAsync(piece, ct);
                (offset, left) = (offset + read, left - piece.Length);
                continue;
            }
            await output.FlushAsync(ct);
            if (!options.Follow || track is null || !await track.WaitBeyondAsync(offset, ct))
            {
                return;
            }
        }
    }

    private long Start(SafeFileHandle file, DateTimeOffset? since, long? tailLines)
    {
        var first = FirstByte(file);
        if (since is { } from)
        {
            // A time that is still to come may be there before all that was written before it has been read.
            var offset = from > time.GetUtcNow() ? RandomAccess.GetLength(file) : Math.Max(first, _index.OffsetSince(from));
            if (offset != first)
            {
                first = AfterNewline(file, offset - 1);
                _inEarlyLine = !EndsLine(file, first);
            }
        }
        var start = tailLines is { } lines ? TailStart(file, lines, first) : first;
        _inEarlyLine &= start == first;
        return start;
    }

    // How much of what has just been read is from before the time, which is still to come: all of it, and the rest of a line that began before.
    private int Early(ReadOnlySpan<byte> text, DateTimeOffset? since)
    {
        if (since > time.GetUtcNow())
        {
            _inEarlyLine = text[^1] != '\n';
            return text.Length;
        }
        if (!_inEarlyLine)
        {
            return 0;
        }
        var newline = text.IndexOf((byte)'\n');
        _inEarlyLine = newline < 0;
        return _inEarlyLine ? text.Length : newline + 1;
    }

    // The old part of a long log is a hole; the first line after it is cut.
    private long FirstByte(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }
        var data = Libc.lseek((int)file.DangerousGetHandle(), 0, SeekData);
        return data <= 0 ? 0 : AfterNewline(file, data);
    }

    private static bool EndsLine(SafeFileHandle file, long offset)
    {
        Span<byte> last = stackalloc byte[1];
        return RandomAccess.Read(file, last, offset - 1) == 1 && last[0] == (byte)'\n';
    }

    private static long AfterNewline(SafeFileHandle file, long offset)
    {
        var chunk = new byte[ChunkSize];
        for (int read; (read = RandomAccess.Read(file, chunk, offset)) > 0; offset += read)
        {
            var newline = chunk.AsSpan(0, read).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                return offset + newline + 1;
            }
        }
        return offset;
    }

    private static long TailStart(SafeFileHandle file, long lines, long first)
    {
        var end = RandomAccess.GetLength(file);
        if (lines <= 0)
        {
            return end;
        }
        var chunk = new byte[ChunkSize];
        var found = 0L;
        for (var to = end; to > first;)
        {
            var from = Math.Max(first, to - ChunkSize);
            var part = chunk.AsSpan(0, RandomAccess.Read(file, chunk.AsSpan(0, (int)(to - from)), from));
            for (var i = part.Length - 1; i >= 0; i--)
            {
                // The newline that ends the file ends its last line and begins none.
                if (part[i] == (byte)'\n' && from + i != end - 1 && ++found == lines)
                {
                    return from + i + 1;
                }
            }
            to = from;
        }
        return first;
    }

    private ReadOnlyMemory<byte> Stamp(ReadOnlySpan<byte> text, long offset)
    {
        var result = new MemoryStream(text.Length + 1024);
        while (text.Length > 0)
        {
            if (_atLineStart)
            {
                result.Write(Encoding.ASCII.GetBytes(TimeAt(offset).ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z '", CultureInfo.InvariantCulture)));
            }
            var newline = text.IndexOf((byte)'\n');
            var length = newline < 0 ? text.Length : newline + 1;
            _atLineStart = newline >= 0;
            result.Write(text[..length]);
            text = text[length..];
            offset += length;
        }
        return result.ToArray();
    }

    private DateTime TimeAt(long offset)
    {
        if (_index.TimeOf(offset) is null)
        {
            track?.Look();
            _index = LogIndex.Read(path);
        }
        return (_index.TimeOf(offset) ?? time.GetUtcNow()).UtcDateTime;
    }
}
