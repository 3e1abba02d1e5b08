using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Serval.Api.Core;

/// <summary>
/// Addresses and ranges as Kubernetes reads them (apimachinery pkg/util/validation/ip.go, strict as from 1.36): four decimal numbers, or IPv6 without a zone.
/// </summary>
public static class IpText
{
    private const string NoAddress = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    private const string NoRange = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

    /// <summary>Null, or what is wrong with the text of an address.</summary>
    public static string? Problem(string text) =>
        Read(text) is not var (address, padded) ? NoAddress
        : padded ? "must not have leading 0s"
        : address.IsIPv4MappedToIPv6 ? "must not be an IPv4-mapped IPv6 address"
        : null;

    /// <summary>Null, or what is wrong with the text of a range.</summary>
    public static string? RangeProblem(string text)
    {
        if (text.Split('/') is not [var start, { Length: > 0 and <= 3 } bits] || Read(start) is not var (address, padded)
            || !int.TryParse(bits, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > (IsIPv4(address) ? 32 : 128))
        {
            return NoRange;
        }
        return padded || (bits.Length > 1 && bits[0] == '0') ? "must not have leading 0s in IP or prefix length"
            : address.IsIPv4MappedToIPv6 ? "must not have an IPv4-mapped IPv6 address"
            : HasBitsBeyond(address.GetAddressBytes(), length) ? "must not have bits set beyond the prefix length"
            : null;
    }

    /// <summary><c>IPv4</c>, <c>IPv6</c>, or null when the text is no address.</summary>
    public static string? Family(string text) => Parse(text) is { } address ? IsIPv4(address) ? "IPv4" : "IPv6" : null;

    /// <summary>The address, also of a text that is only nearly right; null when it is none.</summary>
    public static IPAddress? Parse(string text) => Read(text)?.Address;

    /// <summary>
    /// The one way to write an address (RFC 5952, as Go's net/netip): of IPv6 groups of hexadecimal digits alone, the first of the longest runs of zeros shortened.
    /// </summary>
    public static string Canonical(IPAddress address)
    {
        if (IsIPv4(address))
        {
            return address.ToString();
        }
        var bytes = address.GetAddressBytes();
        var groups = Enumerable.Range(0, 8).Select(i => (bytes[2 * i] << 8) | bytes[(2 * i) + 1]).ToArray();
        var (start, length) = LongestZeros(groups);
        return length < 2 ? Text(groups) : $"{Text(groups[..start])}::{Text(groups[(start + length)..])}";

        static string Text(int[] groups) => string.Join(':', groups.Select(g => g.ToString("x", CultureInfo.InvariantCulture)));
    }

    private static (int Start, int Length) LongestZeros(int[] groups)
    {
        var (start, length, run) = (0, 0, 0);
        for (var i = 0; i < groups.Length; i++)
        {
            run = groups[i] == 0 ? run + 1 : 0;
            if (run > length)
            {
                (start, length) = (i + 1 - run, run);
            }
        }
        return (start, length);
    }

    private static bool IsIPv4(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;

    private static (IPAddress Address, bool Padded)? Read(string text)
    {
        if (text.Contains(':', StringComparison.Ordinal))
        {
            return text.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.') && IPAddress.TryParse(text, out var six) ? (six, false) : null;
        }
        var parts = text.Split('.');
        var bytes = new byte[4];
        if (parts.Length != 4)
        {
            return null;
        }
        for (var i = 0; i < 4; i++)
        {
            if (!byte.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out bytes[i]))
            {
                return null;
            }
        }
        return (new IPAddress(bytes), parts.Any(p => p.Length > 1 && p[0] == '0'));
    }

    private static bool HasBitsBeyond(byte[] address, int length)
    {
        for (var bit = length; bit < address.Length * 8; bit++)
        {
            if ((address[bit / 8] & (0x80 >> (bit % 8))) != 0)
            {
                return true;
            }
        }
        return false;
    }
}
