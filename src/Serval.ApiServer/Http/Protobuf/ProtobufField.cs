using System.Collections.Concurrent;
using System.Globalization;

namespace Serval.ApiServer.Http;

internal enum FieldShape
{
    Plain,

    /// <summary>Says something also when it is zero.</summary>
    Optional,
    List,
    Map,

    /// <summary>In JSON its fields belong to the message around it.</summary>
    Inline,
}

/// <summary>One field of a message of the built-in kinds.</summary>
internal sealed record ProtobufField(int Number, string Name, FieldShape Shape, string Type)
{
    private static readonly Lazy<Dictionary<string, string>> s_lines = new(() =>
        ProtobufTable.Text.Split('\n').Select(l => l.Split(": ")).ToDictionary(l => l[0], l => l[1].TrimEnd('\r'), StringComparer.Ordinal));

    private static readonly ConcurrentDictionary<string, ProtobufField[]> s_messages = new(StringComparer.Ordinal);

    /// <summary>The fields of a message; null when there is no such message.</summary>
    public static IReadOnlyList<ProtobufField>? Of(string message) =>
        s_messages.TryGetValue(message, out var known) ? known
        : s_lines.Value.TryGetValue(message, out var line) ? s_messages.GetOrAdd(message, line == "-" ? [] : [.. line.Split(", ").Select(Parse)])
        : null;

    private static ProtobufField Parse(string text)
    {
        var parts = text.Split(' ');
        var shape = parts[2][0] switch
        {
            '?' => FieldShape.Optional,
            '*' => FieldShape.List,
            '%' => FieldShape.Map,
            '^' => FieldShape.Inline,
            _ => FieldShape.Plain,
        };
        return new ProtobufField(
            int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], shape, shape == FieldShape.Plain ? parts[2] : parts[2][1..]);
    }
}
