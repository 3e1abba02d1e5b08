using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Serval.Api.Config;
using Serval.Api.Core;

namespace Serval.Api.Crds;

/// <summary>Whether a text has a format (kube-openapi pkg/validation/strfmt). Names are those of <see cref="KnownFormats.Find"/>.</summary>
internal static class FormatRules
{
    private const string Hex = "[0-9a-fA-F]";

    private static readonly Regex s_object = Full($"{Hex}{{24}}");
    private static readonly Regex s_uri = Full(@"(/|[A-Za-z][A-Za-z0-9+.-]*:)[^\x00-\x20\x7F]*");
    private static readonly Regex s_mac = Full($"{Hex}{{2}}(:{Hex}{{2}}){{5}}((:{Hex}{{2}}){{2}})?|{Hex}{{2}}(-{Hex}{{2}}){{5}}((-{Hex}{{2}}){{2}})?|({Hex}{{4}}\\.){{2,3}}{Hex}{{4}}|{Hex}{{12}}");
    private static readonly Regex s_uuid = Uuid(Hex, Hex);
    private static readonly Regex s_uuid3 = Uuid("3", Hex);
    private static readonly Regex s_uuid4 = Uuid("4", "[89abAB]");
    private static readonly Regex s_uuid5 = Uuid("5", "[89abAB]");
    private static readonly Regex s_ssn = Full("[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}");
    private static readonly Regex s_color = Full($"#?({Hex}{{3}}|{Hex}{{6}})");
    private static readonly Regex s_rgb = Full("rgb\\( *([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5]) *(, *([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5]) *){2}\\)");
    private static readonly Regex s_byte = Full("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})");
    private static readonly Regex s_time = Full(@"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.,][0-9]+)?([zZ]|[+-][0-9]{2}:[0-9]{2})");
    private static readonly string[] s_units = ["nano", "micro", "milli", "sec", "min", "hour", "day", "week"];
    private static readonly Regex s_amount = new("(?<count>[0-9]+)[ \\t\\n\\f\\r]*(?<unit>[A-Za-zµ]+)", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    public static bool IsRight(string format, string text) => format switch
    {
        "bsonobjectid" => s_object.IsMatch(text),
        "uri" => s_uri.IsMatch(text),
        "email" => MailAddress.TryCreate(text, out _),
        "hostname" => IsHostname(text),
        "ipv4" => text.Contains('.', StringComparison.Ordinal) && IPAddress.TryParse(text, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork
            && text.Count(c => c == '.') == 3,
        "ipv6" => text.Contains(':', StringComparison.Ordinal) && !text.Contains('%', StringComparison.Ordinal) && !text.Contains('[', StringComparison.Ordinal)
            && IPAddress.TryParse(text, out _),
        "cidr" => IsCidr(text),
        "mac" => s_mac.IsMatch(text),
        "uuid" => s_uuid.IsMatch(text),
        "uuid3" => s_uuid3.IsMatch(text),
        "uuid4" => s_uuid4.IsMatch(text),
        "uuid5" => s_uuid5.IsMatch(text),
        "isbn" => IsIsbn10(text) || IsIsbn13(text),
        "isbn10" => IsIsbn10(text),
        "isbn13" => IsIsbn13(text),
        "creditcard" => IsCard(text),
        "ssn" => s_ssn.IsMatch(text),
        "hexcolor" => s_color.IsMatch(text),
        "rgbcolor" => s_rgb.IsMatch(text),
        "byte" => s_byte.IsMatch(text),
        "date" => IsDate(text),
        "datetime" => text.IndexOfAny(['T', 't']) is var t and > 0 && IsDate(text[..t]) && s_time.IsMatch(text[(t + 1)..]),
        "duration" => GoDuration.TryParse(text, out _) || HasAmount(text),
        "k8sshortname" => Names.Label(text) is null,
        "k8slongname" => Names.Subdomain(text) is null,
        _ => true, // numbers' formats are ranges; a password is any text
    };

    private static Regex Full(string pattern) => new($"\\A({pattern})\\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static Regex Uuid(string version, string variant) => Full($"{Hex}{{8}}-?{Hex}{{4}}-?{version}{Hex}{{3}}-?{variant}{Hex}{{3}}-?{Hex}{{12}}");

    private static bool IsDate(string text) => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    /// <summary>Letters, digits and symbols of any script; no dash at an edge; the last of several labels is letters only.</summary>
    /// <summary>Whether an amount of a unit is anywhere in the text, which is all that is asked: <c>PT1H</c> is an hour.</summary>
    private static bool HasAmount(string text)
    {
        var has = false;
        foreach (Match amount in s_amount.Matches(text))
        {
            if (!long.TryParse(amount.Groups["count"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                return false;
            }
            var unit = amount.Groups["unit"].Value.ToLowerInvariant();
            has |= unit is "ns" or "us" or "µs" or "ms" or "s" or "m" or "h" or "hr" or "d" or "w" or "wk" || s_units.Any(u => unit.StartsWith(u, StringComparison.Ordinal));
        }
        return has;
    }

    private static bool IsHostname(string text)
    {
        var labels = text.Split('.');
        return text.Length <= 255 && labels.All(IsHostLabel) && (labels.Length == 1 || (labels[^1].Length >= 2 && labels[^1].All(char.IsLetter)));
    }

    private static bool IsHostLabel(string label) => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-'
        && label.All(c => char.IsLetterOrDigit(c) || char.IsSymbol(c) || char.IsSurrogate(c) || c == '-');

    private static bool IsCidr(string text) => text.LastIndexOf('/') is var slash and > 0
        && IPAddress.TryParse(text[..slash], out var address)
        && (address.AddressFamily == AddressFamily.InterNetworkV6 || text[..slash].Count(c => c == '.') == 3)
        && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
        && bits <= (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    private static bool IsIsbn10(string text)
    {
        var digits = Bare(text);
        var sum = 0;
        for (var i = 0; i < digits.Length && digits.Length == 10; i++)
        {
            var digit = i == 9 && digits[i] == 'X' ? 10 : char.IsAsciiDigit(digits[i]) ? digits[i] - '0' : 1000;
            sum += (i + 1) * digit;
        }
        return digits.Length == 10 && sum < 1000 && sum % 11 == 0;
    }

    private static bool IsIsbn13(string text)
    {
        var digits = Bare(text);
        return digits.Length == 13 && digits.All(char.IsAsciiDigit) && digits.Select((c, i) => (c - '0') * (i % 2 == 0 ? 1 : 3)).Sum() % 10 == 0;
    }

    /// <summary>Luhn's sum over 13 to 16 digits.</summary>
    private static bool IsCard(string text)
    {
        var digits = text.Where(char.IsAsciiDigit).Reverse().Select(c => c - '0').ToArray();
        return digits.Length is >= 13 and <= 16
            && digits.Select((d, i) => i % 2 == 0 ? d : d * 2 > 9 ? (d * 2) - 9 : d * 2).Sum() % 10 == 0;
    }

    private static string Bare(string text) => string.Concat(text.Where(c => c is not ('-' or ' ')));
}
