using System.Buffers.Binary;
using System.Text;

namespace Serval.Node.Containers;

/// <summary>What an executable file needs to be run by the kernel.</summary>
internal static class ElfFile
{
    private const int HeadSize = 4096;
    private const int ProgramHeaderOffset = 32;
    private const int ProgramHeaderSize = 56;
    private const int InterpreterSegment = 3;

    /// <summary>
    /// Absolute path of the interpreter: the dynamic loader of an ELF file, or the program after <c>#!</c>. Null when the file runs by itself
    /// (static) or cannot be read.
    /// </summary>
    public static string? Interpreter(string path)
    {
        try
        {
            using var file = File.OpenHandle(path);
            Span<byte> head = stackalloc byte[HeadSize];
            head = head[..RandomAccess.Read(file, head, 0)];
            if (head is [(byte)'#', (byte)'!', ..])
            {
                var line = Encoding.UTF8.GetString(head[2..]).Split('\n')[0].Trim();
                return line.Split(' ', '\t')[0];
            }
            return head is [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, ..] ? FromSegments(head) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? FromSegments(ReadOnlySpan<byte> head)
    {
        if (head.Length < 64)
        {
            return null;
        }
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(head[ProgramHeaderOffset..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(head[56..]);
        for (var i = 0; i < count; i++)
        {
            if (!Within(head, offset, (ulong)((i + 1) * ProgramHeaderSize)))
            {
                return null;
            }
            var segment = head[((int)offset + (i * ProgramHeaderSize))..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(segment) == InterpreterSegment)
            {
                var from = BinaryPrimitives.ReadUInt64LittleEndian(segment[8..]);
                var size = BinaryPrimitives.ReadUInt64LittleEndian(segment[32..]);
                return Within(head, from, size) && size > 1 ? Encoding.UTF8.GetString(head.Slice((int)from, (int)size - 1)) : null;
            }
        }
        return null;
    }

    // The numbers are the file's author's: their sum may be anything.
    private static bool Within(ReadOnlySpan<byte> head, ulong from, ulong size) =>
        from <= (ulong)head.Length && size <= (ulong)head.Length - from;
}
