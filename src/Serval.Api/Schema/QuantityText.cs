using System.Globalization;

namespace Serval.Api.Schema;

/// <summary>
/// Amounts as the API writes them: a decimal number with a decimal (<c>m k M …</c>) or binary (<c>Ki Mi …</c>) suffix or an exponent.
/// The canonical form has no fraction and the largest suffix that allows that (<c>0.1</c> → <c>100m</c>, <c>1024Mi</c> → <c>1Gi</c>).
/// </summary>
public static class QuantityText
{
    /// <summary>What the API server answers for anything else.</summary>
    public const string Complaint = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

    private const string Decimal = "num kMGTPE"; // 10^-9 to 10^18 in steps of 10^3
    private const string Binary = "KMGTPE"; // 2^10 to 2^60 in steps of 2^10
    private const decimal Kibi = 1024m;

    private enum Form
    {
        Decimal,
        Binary,
        Exponent,
    }

    /// <summary>The amount as a number. False when the text is no quantity or has more than 28 digits.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out decimal value) => TryRead(text, out value, out _, out var exact) && exact;

    /// <summary>The canonical text. False when the text is no quantity; an amount of more than 28 digits stays as written.</summary>
    public static bool TryCanonicalize(ReadOnlySpan<char> text, out string canonical)
    {
        canonical = "";
        if (!TryRead(text, out var value, out var form, out var exact))
        {
            return false;
        }
        canonical = exact ? Write(value, form) : text.ToString();
        return true;
    }

    private static bool TryRead(ReadOnlySpan<char> text, out decimal value, out Form form, out bool exact)
    {
        (value, form, exact) = (0, Form.Decimal, true);
        var at = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        var end = at;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
        {
            end++;
        }
        var number = text[at..end];
        if (number.Count('.') > 1 || number.Length == number.Count('.') || !TryScale(text[end..], out var scale, out form, out exact))
        {
            return false;
        }
        exact = exact && number.Length <= 28 && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
        if (!exact || (value != 0 && Math.Log10((double)value) + Math.Log10((double)scale) > 28))
        {
            exact = false;
            return true;
        }
        value *= scale;
        value = text[0] == '-' ? -value : value;
        return true;
    }

    private static bool TryScale(ReadOnlySpan<char> suffix, out decimal scale, out Form form, out bool exact)
    {
        (scale, form, exact) = (1, Form.Decimal, true);
        if (suffix.Length == 0)
        {
            return true;
        }
        if (suffix.Length == 1 && suffix[0] != ' ' && Decimal.IndexOf(suffix[0], StringComparison.Ordinal) is >= 0 and var step)
        {
            scale = Power(3 * (step - 3));
            return true;
        }
        if (suffix.Length == 2 && suffix[1] == 'i' && Binary.IndexOf(suffix[0], StringComparison.Ordinal) is >= 0 and var power)
        {
            form = Form.Binary;
            scale = 1L << (10 * (power + 1));
            return true;
        }
        form = Form.Exponent;
        if (suffix[0] is not ('e' or 'E') || !int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent))
        {
            return false;
        }
        exact = exponent is >= -27 and <= 27;
        scale = exact ? Power(exponent) : 1;
        return true;
    }

    private static decimal Power(int exponent)
    {
        var power = 1m;
        for (var i = 0; i < Math.Abs(exponent); i++)
        {
            power *= 10;
        }
        return exponent < 0 ? 1 / power : power;
    }

    private static string Write(decimal value, Form form)
    {
        if (value == 0)
        {
            return "0";
        }
        if (form == Form.Binary && Math.Abs(value) >= Kibi)
        {
            return WriteBinary(AwayFromZero(value));
        }
        var step = 3; // the suffix's index: 10^(3 * (step - 3))
        for (; step > 0 && value != decimal.Truncate(value); step--)
        {
            value *= 1000;
        }
        value = AwayFromZero(value);
        for (; step < Decimal.Length - 1 && value % 1000 == 0; step++)
        {
            value /= 1000;
        }
        var exponent = 3 * (step - 3);
        var suffix = exponent == 0 ? "" : form == Form.Exponent ? "e" + exponent.ToString(CultureInfo.InvariantCulture) : Decimal[step].ToString();
        return value.ToString("0", CultureInfo.InvariantCulture) + suffix;
    }

    private static string WriteBinary(decimal value)
    {
        var step = -1;
        for (; step < Binary.Length - 1 && value % Kibi == 0; step++)
        {
            value /= Kibi;
        }
        return value.ToString("0", CultureInfo.InvariantCulture) + (step < 0 ? "" : Binary[step] + "i");
    }

    private static decimal AwayFromZero(decimal value) => value < 0 ? decimal.Floor(value) : decimal.Ceiling(value);
}
