using System.Globalization;
using Serval.Api.Config;
using Serval.Api.GoText;

namespace Serval.Api.Batch;

/// <summary>What is wrong with the times and the zone of a CronJob, in the words of Kubernetes 1.36 and its parser (github.com/robfig/cron/v3: ParseStandard).</summary>
public static class CronText
{
    private const int LongestPart = 14;

    private static readonly string[] s_descriptors = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    private static readonly string[] s_months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    private static readonly string[] s_days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    // minute, hour, day of month, month, day of week: the bounds, and names from the lower one up
    private static readonly (int Min, int Max, string[] Names)[] s_fields = [(0, 59, []), (0, 23, []), (1, 31, []), (1, 12, s_months), (0, 6, s_days)];

    // A machine without zone data cannot say that a zone does not exist.
    private static readonly Lazy<bool> s_zonesKnown = new(static () => TimeZoneInfo.TryFindSystemTimeZoneById("Europe/London", out _));

    /// <summary>Five fields, or a descriptor such as <c>@daily</c> or <c>@every 1h30m</c>; before them may be <c>TZ=</c> or <c>CRON_TZ=</c> and a zone.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Complaint(string schedule)
    {
        if (schedule.Length == 0)
        {
            return "empty spec string";
        }
        if (schedule.StartsWith("TZ=", StringComparison.Ordinal) || schedule.StartsWith("CRON_TZ=", StringComparison.Ordinal))
        {
            var space = schedule.IndexOf(' ', StringComparison.Ordinal);
            if (space < 0)
            {
                return "invalid schedule: there is nothing after the time zone";
            }
            var zone = schedule[(schedule.IndexOf('=', StringComparison.Ordinal) + 1)..space];
            if (!Exists(zone))
            {
                return $"provided bad location {zone}: unknown time zone {zone}";
            }
            schedule = schedule[space..].Trim();
        }
        if (schedule.StartsWith('@'))
        {
            return Descriptor(schedule);
        }
        var fields = schedule.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length != s_fields.Length)
        {
            return $"expected exactly {s_fields.Length} fields, found {fields.Length}: [{string.Join(' ', fields)}]";
        }
        return fields.Zip(s_fields).SelectMany(f => f.First.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(r => Range(r, f.Second.Min, f.Second.Max, f.Second.Names)))
            .FirstOrDefault(static wrong => wrong is not null);
    }

    /// <summary>A name of the IANA database (validateTimeZone).</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? WrongZone(string zone)
    {
        if (zone.Length == 0)
        {
            return "timeZone must be nil or non-empty string";
        }
        if (zone.Split('/').Any(static part => part.Length is 0 or > LongestPart || part is "." or ".." || part[0] == '-' || part.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '_' or '+'))))
        {
            return $"unknown time zone {zone}";
        }
        return zone.Equals("Local", StringComparison.OrdinalIgnoreCase) ? "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
            : Exists(zone) ? null
            : $"unknown time zone {zone}";
    }

    private static bool Exists(string zone) => zone is "" or "UTC" or "Local" || !s_zonesKnown.Value || TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _);

    private static string? Descriptor(string text)
    {
        const string every = "@every ";
        if (!text.StartsWith(every, StringComparison.Ordinal))
        {
            return s_descriptors.Contains(text) ? null : $"unrecognized descriptor: {text}";
        }
        var duration = text[every.Length..];
        return GoDuration.TryParse(duration, out _) ? null : $"failed to parse duration {duration}: time: invalid duration {GoQuote.Quote(duration)}";
    }

    private static string? Range(string text, int min, int max, string[] names)
    {
        var parts = text.Split('/');
        var ends = parts[0].Split('-');
        var (start, end, step) = (min, max, 1);
        if (ends[0] is not ("*" or "?"))
        {
            if (Number(ends[0], min, names, out start) is { } wrongStart)
            {
                return wrongStart;
            }
            end = start;
            if (ends.Length == 2 && Number(ends[1], min, names, out end) is { } wrongEnd)
            {
                return wrongEnd;
            }
            if (ends.Length > 2)
            {
                return $"too many hyphens: {text}";
            }
        }
        if (parts.Length > 2)
        {
            return $"too many slashes: {text}";
        }
        if (parts.Length == 2)
        {
            if (Number(parts[1], min, [], out step) is { } wrongStep)
            {
                return wrongStep;
            }
            end = ends.Length == 1 ? max : end;
        }
        return start < min ? $"beginning of range ({start}) below minimum ({min}): {text}"
            : end > max ? $"end of range ({end}) above maximum ({max}): {text}"
            : start > end ? $"beginning of range ({start}) beyond end of range ({end}): {text}"
            : step == 0 ? $"step of range should be a positive number: {text}"
            : null;
    }

    private static string? Number(string text, int first, string[] names, out int number)
    {
        var named = Array.FindIndex(names, n => n.Equals(text, StringComparison.OrdinalIgnoreCase));
        number = named + first;
        if (named >= 0)
        {
            return null;
        }
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
        {
            var why = text.TrimStart('+', '-') is { Length: > 0 } digits && digits.All(char.IsAsciiDigit) ? "value out of range" : "invalid syntax";
            return $"failed to parse int from {text}: strconv.Atoi: parsing {GoQuote.Quote(text)}: {why}";
        }
        return number < 0 ? $"negative number ({number}) not allowed: {text}" : null;
    }
}
