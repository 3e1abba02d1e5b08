using System.Buffers.Binary;
using System.Net;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// Which addresses of a range are taken. The network's own address and the last one are nobody's. A low band is left to those who ask for an
/// address, as long as there are others (kubernetes: pkg/registry/core/service/ipallocator, calculateRangeOffset).
/// </summary>
internal sealed class AddressPool
{
    private const int SmallestBand = 16;
    private const int LargestBand = 256;

    private readonly uint _first;
    private readonly int _count;
    private readonly int _band;
    private readonly ulong[] _taken;

    public AddressPool(IPNetwork range)
    {
        Range = range;
        var size = 1 << 32 - range.PrefixLength;
        (_first, _count) = (Number(range.BaseAddress) + 1, size - 2);
        _band = size <= SmallestBand ? 0 : Math.Clamp(size / SmallestBand, SmallestBand, LargestBand);
        _taken = new ulong[(_count + 63) / 64];
    }

    public IPNetwork Range { get; }

    /// <summary>The first one, which is the API server's.</summary>
    public IPAddress First => Address(0);

    /// <summary>Whether the range has this address for somebody.</summary>
    public bool Has(IPAddress address) => Index(address) >= 0;

    /// <summary>Takes an address; false when it is taken or is not of the range.</summary>
    public bool Take(IPAddress address)
    {
        var index = Index(address);
        if (index < 0 || IsTaken(index))
        {
            return false;
        }
        _taken[index / 64] |= 1UL << index % 64;
        return true;
    }

    /// <summary>Takes one that is free; null when none is.</summary>
    /// <param name="random">A number that is not negative, from which the search begins.</param>
    public IPAddress? TakeAny(int random)
    {
        var index = Free(_band, _count, random);
        index = index < 0 ? Free(0, _band, random) : index;
        return index >= 0 && Address(index) is var address && Take(address) ? address : null;
    }

    /// <summary>Gives an address back.</summary>
    public void Release(IPAddress address)
    {
        if (Index(address) is var index and >= 0)
        {
            _taken[index / 64] &= ~(1UL << index % 64);
        }
    }

    private int Free(int from, int to, int random)
    {
        var length = Math.Min(to, _count) - from;
        for (var i = 0; i < length; i++)
        {
            var index = from + (int)((random + (long)i) % length);
            if (!IsTaken(index))
            {
                return index;
            }
        }
        return -1;
    }

    private bool IsTaken(int index) => (_taken[index / 64] >> index % 64 & 1) != 0;

    private int Index(IPAddress address)
    {
        var index = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? (long)Number(address) - _first : -1;
        return index >= 0 && index < _count ? (int)index : -1;
    }

    private IPAddress Address(int index)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, _first + (uint)index);
        return new IPAddress(bytes);
    }

    private static uint Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        return address.TryWriteBytes(bytes, out _) ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;
    }
}
