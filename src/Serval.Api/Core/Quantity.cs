using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Serval.Api.Core;

/// <summary>
/// An amount of CPU, memory or storage in Kubernetes' text form (apimachinery api/resource): <c>250m</c>, <c>1.5</c>, <c>128Mi</c>, <c>1e3</c>.
/// Finer than a billionth is rounded away from zero; a binary amount is at most 2^63-1. Text longer than <see cref="MaxText"/> and exponents
/// beyond ±99 are refused. Equality is by value.
/// </summary>
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    /// <summary>What the API server answers for text that is no quantity.</summary>
    public const string Complaint = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

    /// <summary>Most characters of a quantity.</summary>
    public const int MaxText = 128;

    private const int MaxExponent = 99;
    private const string DecimalSuffixes = "numkMGTPE";
    private const string BinarySuffixes = "KMGTPE";
    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");
    private static readonly BigInteger s_nano = BigInteger.Pow(10, 9);
    private static readonly BigInteger s_mostBinary = long.MaxValue * s_nano;

    private readonly BigInteger _nanos;
    private readonly Form _form;

    private Quantity(BigInteger nanos, Form form)
    {
        _nanos = nanos;
        _form = form;
    }

    private enum Form
    {
        Decimal,
        Binary,
        Exponent,
    }

    public static Quantity Zero => default;

    public bool IsNegative => _nanos.Sign < 0;

    public bool IsZero => _nanos.IsZero;

    /// <summary>Whether there is no fraction of a unit.</summary>
    public bool IsWhole => (_nanos % s_nano).IsZero;

    /// <summary>Whether it is a whole number once it is rounded up to thousandths (validation of integer resources: MilliValue() % 1000).</summary>
    public bool IsWholeInMilli => (CeilingDivide(_nanos, 1_000_000) % 1000).IsZero;

    /// <summary>Whole units, rounded up.</summary>
    public long Value => Clamp(CeilingDivide(_nanos, s_nano));

    /// <summary>Thousandths (of a CPU), rounded up.</summary>
    public long MilliValue => Clamp(CeilingDivide(_nanos, 1_000_000));

    /// <summary>Reads a quantity whose text is known to be right.</summary>
    public static Quantity Parse(string text) => TryParse(text, out var value) ? value : throw new FormatException($"\"{text}\" is not a quantity such as 500m or 128Mi");

    public static bool TryParse([NotNullWhen(true)] string? text, out Quantity value)
    {
        value = default;
        if (string.IsNullOrEmpty(text) || text.Length > MaxText)
        {
            return false;
        }
        var rest = text.AsSpan();
        var negative = rest[0] == '-';
        if (rest[0] is '-' or '+')
        {
            rest = rest[1..];
        }
        var end = rest.IndexOfAnyExcept(s_number);
        var number = end < 0 ? rest : rest[..end];
        var point = number.IndexOf('.');
        if (number.Length == 0 || number is "." || (point >= 0 && number[(point + 1)..].Contains('.'))
            || !TryScale(end < 0 ? [] : rest[end..], out var factor, out var power, out var form))
        {
            return false;
        }
        var fraction = point < 0 ? 0 : number.Length - point - 1;
        var digits = point < 0 ? number.ToString() : string.Concat(number[..point], number[(point + 1)..]);
        var scaled = BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) * factor;
        power += 9 - fraction;
        var nanos = power >= 0 ? scaled * BigInteger.Pow(10, power) : CeilingDivide(scaled, BigInteger.Pow(10, -power));
        nanos = form == Form.Binary && nanos > s_mostBinary ? s_mostBinary : nanos;
        value = new Quantity(negative ? -nanos : nanos, form);
        return true;
    }

    /// <summary>The text in which an amount is stored: the canonical one, unless that is longer than a quantity may be.</summary>
    public static bool TryCanonicalize(string text, out string canonical)
    {
        var ok = TryParse(text, out var value);
        canonical = ok && value.ToString() is { Length: <= MaxText } shorter ? shorter : text;
        return ok;
    }

    /// <summary>Canonical text: no fraction, the largest suffix that fits (<c>0.5</c> → <c>500m</c>, <c>1024Mi</c> → <c>1Gi</c>).</summary>
    public override string ToString()
    {
        if (_nanos.IsZero)
        {
            return "0";
        }
        if (_form == Form.Binary && _nanos % s_nano == 0 && BigInteger.Abs(_nanos / s_nano) >= 1024)
        {
            return Largest(_nanos / s_nano, 1024, 0, 1, 6, step => step == 0 ? "" : BinarySuffixes[step - 1] + "i");
        }
        return _form == Form.Exponent
            ? Largest(_nanos, 1000, -9, 3, MaxExponent, exponent => exponent == 0 ? "" : "e" + exponent.ToString(CultureInfo.InvariantCulture))
            : Largest(_nanos, 1000, -9, 3, 18, exponent => exponent == 0 ? "" : DecimalSuffixes[(exponent / 3) + (exponent < 0 ? 3 : 2)].ToString());
    }

    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    public bool Equals(Quantity other) => _nanos == other._nanos;

    public override bool Equals(object? obj) => obj is Quantity other && Equals(other);

    public override int GetHashCode() => _nanos.GetHashCode();

    /// <summary>The sum, in the left one's form unless that is 0 (apimachinery: Quantity.Add).</summary>
    public static Quantity operator +(Quantity left, Quantity right) => new(left._nanos + right._nanos, left.IsZero ? right._form : left._form);

    /// <inheritdoc cref="op_Addition"/>
    public static Quantity operator -(Quantity left, Quantity right) => new(left._nanos - right._nanos, left.IsZero ? right._form : left._form);

    public static bool operator ==(Quantity left, Quantity right) => left.Equals(right);

    public static bool operator !=(Quantity left, Quantity right) => !left.Equals(right);

    public static bool operator <(Quantity left, Quantity right) => left.CompareTo(right) < 0;

    public static bool operator >(Quantity left, Quantity right) => left.CompareTo(right) > 0;

    public static bool operator <=(Quantity left, Quantity right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Quantity left, Quantity right) => left.CompareTo(right) >= 0;

    private static bool TryScale(ReadOnlySpan<char> suffix, out BigInteger factor, out int power, out Form form)
    {
        factor = BigInteger.One;
        power = 0;
        form = Form.Decimal;
        if (suffix.Length == 0)
        {
            return true;
        }
        if (suffix.Length == 2 && suffix[1] == 'i' && BinarySuffixes.IndexOf(suffix[0]) is >= 0 and var step)
        {
            form = Form.Binary;
            factor = BigInteger.Pow(1024, step + 1);
            return true;
        }
        if (suffix.Length == 1 && DecimalSuffixes.IndexOf(suffix[0]) is >= 0 and var index)
        {
            power = index < 3 ? (index - 3) * 3 : (index - 2) * 3;
            return true;
        }
        form = Form.Exponent;
        return suffix[0] is 'e' or 'E'
            && int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out power) && Math.Abs((long)power) <= MaxExponent;
    }

    private static string Largest(BigInteger mantissa, int radix, int exponent, int step, int last, Func<int, string> suffix)
    {
        while (exponent < last && mantissa % radix == 0)
        {
            mantissa /= radix;
            exponent += step;
        }
        return mantissa.ToString(CultureInfo.InvariantCulture) + suffix(exponent);
    }

    private static BigInteger CeilingDivide(BigInteger value, BigInteger by)
    {
        var quotient = BigInteger.DivRem(value, by, out var remainder);
        return remainder.Sign > 0 ? quotient + 1 : quotient;
    }

    private static long Clamp(BigInteger value) => value > long.MaxValue ? long.MaxValue : value < long.MinValue ? long.MinValue : (long)value;
}
