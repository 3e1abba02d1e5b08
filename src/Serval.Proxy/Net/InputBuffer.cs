using System.Buffers;

namespace Serval.Proxy;

/// <summary>
/// Bytes received and not yet consumed. Room is kept before and after them, so that a chunk's frame can be written around data in place.
/// Must not be moved while a receive into it is under way.
/// </summary>
internal sealed class InputBuffer
{
    public const int HeadRoom = 16;
    public const int TailRoom = 16;
    private readonly int _initial;

    public InputBuffer(int size)
    {
        _initial = size;
        Bytes = ArrayPool<byte>.Shared.Rent(size);
        Start = End = HeadRoom;
    }

    public byte[] Bytes { get; private set; }

    public int Start { get; set; }

    public int End { get; set; }

    public int Count => End - Start;

    public int Free => Bytes.Length - TailRoom - End;

    public ReadOnlySpan<byte> Unread => Bytes.AsSpan(Start, End - Start);

    /// <summary>Makes room behind the unread bytes, growing up to a total; false when there is none to be had.</summary>
    public bool MakeRoom(int max)
    {
        if (Start == End)
        {
            Start = End = HeadRoom;
            return true;
        }
        if (Free >= 1024)
        {
            return true;
        }
        if (Start > HeadRoom)
        {
            Unread.CopyTo(Bytes.AsSpan(HeadRoom));
            (Start, End) = (HeadRoom, HeadRoom + Count);
        }
        if (Free < 1024 && Count < max)
        {
            Resize(Math.Min(Bytes.Length * 2, max + HeadRoom + TailRoom + 1024));
        }
        return Free > 0;
    }

    /// <summary>Makes an empty buffer larger for a long body, or small again.</summary>
    public void ResizeEmpty(int size)
    {
        if (Start == End && (size > Bytes.Length || Bytes.Length >= size * 4))
        {
            Start = End = HeadRoom;
            Resize(size);
        }
    }

    public void Shrink() => ResizeEmpty(_initial);

    public void Return()
    {
        var bytes = Bytes;
        Bytes = [];
        Start = End = 0;
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Resize(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(size);
        Unread.CopyTo(larger.AsSpan(HeadRoom));
        ArrayPool<byte>.Shared.Return(Bytes);
        (Bytes, Start, End) = (larger, HeadRoom, HeadRoom + Count);
    }
}
