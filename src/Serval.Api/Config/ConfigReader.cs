using System.Globalization;
using Serval.Api.Core;

namespace Serval.Api.Config;

/// <summary>Reads one ConfigMap's data by Knative's parse rules. The first value that cannot be used is kept as <see cref="Error"/>.</summary>
internal sealed class ConfigReader(string configMap, IReadOnlyDictionary<string, string> data)
{
    /// <summary>Key of the explained example in every ConfigMap of upstream; not a setting.</summary>
    public const string ExampleKey = "_example";

    private readonly HashSet<string> _known = new(StringComparer.Ordinal) { ExampleKey };
    private readonly List<string> _warnings = [];

    private delegate bool TryParse<T>(string text, out T value);

    public ConfigError? Error { get; private set; }

    public IReadOnlyDictionary<string, string> Data => data;

    /// <summary>The keys that were asked for.</summary>
    public IReadOnlyCollection<string> Known => _known;

    /// <summary>Values Knative ignores in silence; Serval ignores them too, but says so.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Warnings for keys no reader asked for.</summary>
    public IEnumerable<string> UnknownKeys() => data.Keys.Where(k => !_known.Contains(k)).Order(StringComparer.Ordinal)
        .Select(k => $"{configMap}: key \"{k}\" is not known and has no effect");

    public string Text(string key, string fallback, string? legacy = null) =>
        Read(key, legacy, fallback, (string text, out string value) => { value = text.Trim(); return true; }, "");

    public bool Bool(string key, bool fallback, string? legacy = null) => Read(key, legacy, fallback, TryBool, "must be true or false");

    public int Int32(string key, int fallback, string? legacy = null) =>
        Read(key, legacy, fallback, (string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value), "must be a whole number");

    public long Int64(string key, long fallback) =>
        Read(key, null, fallback, (string text, out long value) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value), "must be a whole number");

    public double Number(string key, double fallback) => Read(key, null, fallback, TryNumber, "must be a number");

    public TimeSpan Duration(string key, TimeSpan fallback, string? legacy = null) =>
        Read(key, legacy, fallback, GoDuration.TryParse, "must be a duration such as 30s, 5m or 1h30m");

    public Quantity? Quantity(string key, Quantity? fallback = null, string? legacy = null) => Read(key, legacy, fallback, TryQuantity,
        "must be a quantity such as 500m, 1, 100M or 128Mi");

    /// <summary>A comma-separated set.</summary>
    public IReadOnlyList<string> Set(string key, IReadOnlyList<string> fallback, string? legacy = null) => Read(key, legacy, fallback,
        (string text, out IReadOnlyList<string> value) =>
        {
            value = [.. text.Split(',', StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal)];
            return true;
        }, "");

    /// <summary>One of <paramref name="options"/>, whatever the case. Another value is ignored as Knative ignores it, with a warning.</summary>
    public T OneOf<T>(string key, T fallback, params ReadOnlySpan<(string Text, T Value)> options)
    {
        _known.Add(key);
        if (!data.TryGetValue(key, out var text))
        {
            return fallback;
        }
        foreach (var option in options)
        {
            if (string.Equals(option.Text, text, StringComparison.OrdinalIgnoreCase))
            {
                return option.Value;
            }
        }
        var allowed = new List<string>();
        foreach (var option in options)
        {
            allowed.Add(option.Text);
        }
        _warnings.Add($"{configMap}: {key} = \"{text}\" is ignored: allowed are {string.Join(", ", allowed)}");
        return fallback;
    }

    /// <summary>As <see cref="OneOf{T}"/>, but another value is an error. An empty value is the default.</summary>
    public T Choice<T>(string key, T fallback, string? legacy, params ReadOnlySpan<(string Text, T Value)> options)
    {
        var text = Text(key, "", legacy);
        if (text.Length == 0)
        {
            return fallback;
        }
        var allowed = new List<string>();
        foreach (var option in options)
        {
            if (string.Equals(option.Text, text, StringComparison.OrdinalIgnoreCase))
            {
                return option.Value;
            }
            allowed.Add(option.Text);
        }
        Fail(legacy is null || data.ContainsKey(key) ? key : legacy, "must be one of " + string.Join(", ", allowed));
        return fallback;
    }

    public TextTemplate Template(string key, TextTemplate fallback, TemplateScope scope, string? legacy = null)
    {
        var text = Text(key, fallback.Text, legacy);
        if (text == fallback.Text)
        {
            return fallback;
        }
        if (TextTemplate.TryParse(text, scope, out var template, out var error))
        {
            return template;
        }
        Fail(key, error);
        return fallback;
    }

    /// <summary>Whether the key is present.</summary>
    public bool Has(string key)
    {
        _known.Add(key);
        return data.ContainsKey(key);
    }

    /// <summary>Reports the key unless <paramref name="valid"/>.</summary>
    public void Require(bool valid, string key, string allowed)
    {
        if (!valid)
        {
            Fail(key, allowed);
        }
    }

    public void Fail(string key, string allowed) => Error ??= new ConfigError(configMap, key, data.GetValueOrDefault(key, ""), allowed);

    internal static bool TryBool(string text, out bool value)
    {
        value = text is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return value || text is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }

    internal static bool TryNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
        && double.IsFinite(value);

    private static bool TryQuantity(string text, out Quantity? value)
    {
        var ok = Core.Quantity.TryParse(text, out var quantity);
        value = quantity;
        return ok;
    }

    // The old spelling is read first and checked too; the new one wins.
    private T Read<T>(string key, string? legacy, T fallback, TryParse<T> parse, string allowed)
    {
        if (legacy is not null)
        {
            fallback = Read(legacy, null, fallback, parse, allowed);
        }
        _known.Add(key);
        if (!data.TryGetValue(key, out var text))
        {
            return fallback;
        }
        if (parse(text, out var value))
        {
            return value;
        }
        Fail(key, allowed);
        return fallback;
    }
}
