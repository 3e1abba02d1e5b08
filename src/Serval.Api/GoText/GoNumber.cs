using System.Globalization;

namespace Serval.Api.GoText;

/// <summary>
/// A JSON number as Go keeps it where no type is known: a whole number without a point that fits 64 bits is one, everything else a float
/// (sigs.k8s.io/json: convertNumber), written again as encoding/json writes one.
/// </summary>
public static class GoNumber
{
    /// <summary>The number's text, the given one where that is it already; null when it is beyond what a float holds.</summary>
    public static string? Canonical(string text)
    {
        if (!text.Contains('.', StringComparison.Ordinal) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            return whole == 0 ? "0" : text;
        }
        var number = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(number) ? Write(number) : null;
    }

    private static string Write(double number)
    {
        if (number == 0)
        {
            return double.IsNegative(number) ? "-0" : "0";
        }
        var (digits, exponent) = Parts(number.ToString("R", CultureInfo.InvariantCulture)); // the fewest digits that read back as the same
        var sign = number < 0 ? "-" : "";
        if (exponent is < -6 or >= 21)
        {
            var rest = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{rest}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString(exponent < 0 ? "0" : "00", CultureInfo.InvariantCulture)}";
        }
        return sign + (exponent < 0 ? "0." + new string('0', -exponent - 1) + digits
            : digits.Length <= exponent + 1 ? digits.PadRight(exponent + 1, '0')
            : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..]);
    }

    /// <summary>The digits that count, and the power of ten of the first.</summary>
    private static (string Digits, int Exponent) Parts(string number)
    {
        var plain = number.TrimStart('-');
        var e = plain.IndexOf('E', StringComparison.Ordinal);
        var power = e < 0 ? 0 : int.Parse(plain.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = e < 0 ? plain : plain[..e];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var leading = digits.Length - digits.TrimStart('0').Length;
        var exponent = (point < 0 ? mantissa.Length : point) - 1 - leading + power;
        return (digits.Trim('0'), exponent);
    }
}
