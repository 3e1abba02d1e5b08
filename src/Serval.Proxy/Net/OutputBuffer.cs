using System.Buffers;

namespace Serval.Proxy;

/// <summary>Bytes being put together for one send.</summary>
internal sealed class OutputBuffer(int size)
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(size);

    public int Count { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Count);

    public void Clear()
    {
        Count = 0;
        if (_bytes.Length > size * 4)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = ArrayPool<byte>.Shared.Rent(size);
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length - Count < bytes.Length)
        {
            Grow(bytes.Length);
        }
        bytes.CopyTo(_bytes.AsSpan(Count));
        Count += bytes.Length;
    }

    public void Return()
    {
        var bytes = _bytes;
        _bytes = [];
        Count = 0;
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Grow(int more)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, Count + more));
        _bytes.AsSpan(0, Count).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
