using System.Globalization;
using System.Text;
using Serval.Api.GoText;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>The rules of the options that writes share (apimachinery meta/v1/validation).</summary>
internal static class WriteRules
{
    private const int LongestManager = 128;

    /// <summary>Whether nothing is to be stored. The option may be repeated.</summary>
    public static bool IsDryRun(IReadOnlyCollection<string> values, OptionProblems problems)
    {
        if (values.Any(v => v != "All"))
        {
            problems.Unsupported("dryRun", $"[{string.Join(",", values.Select(OptionProblems.Quote))}]", "All");
        }
        return values.Count > 0;
    }

    public static FieldValidation Validation(string value, OptionProblems problems)
    {
        switch (value)
        {
            case "" or "Warn":
                return FieldValidation.Warn;
            case "Ignore":
                return FieldValidation.Ignore;
            case "Strict":
                return FieldValidation.Strict;
            default:
                problems.Unsupported("fieldValidation", OptionProblems.Quote(value), "", "Ignore", "Strict", "Warn");
                return FieldValidation.Strict;
        }
    }

    /// <summary>Who writes when the client does not say: its User-Agent up to the version (apiserver: prefixFromUserAgent).</summary>
    public static string ManagerOf(string userAgent)
    {
        var name = new StringBuilder();
        var room = LongestManager;
        foreach (var rune in userAgent.Split('/')[0].EnumerateRunes().Where(GoQuote.IsPrintable))
        {
            if ((room -= rune.Utf8SequenceLength) < 0)
            {
                break;
            }
            name.Append(rune.ToString());
        }
        return name.ToString();
    }

    public static void CheckManager(string manager, OptionProblems problems)
    {
        if (Encoding.UTF8.GetByteCount(manager) > LongestManager)
        {
            problems.TooLong("fieldManager", LongestManager);
            return;
        }
        var at = 0;
        foreach (var rune in manager.EnumerateRunes())
        {
            if (!GoQuote.IsPrintable(rune))
            {
                problems.Invalid("fieldManager", OptionProblems.Quote(manager), string.Create(CultureInfo.InvariantCulture, $"invalid character U+{rune.Value:X4} (at position {at})"));
            }
            at += rune.Utf8SequenceLength;
        }
    }
}
