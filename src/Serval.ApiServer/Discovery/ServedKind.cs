using System.Text.Json;

namespace Serval.ApiServer.Discovery;

/// <summary>What the documents of discovery have in common.</summary>
internal static class ServedKind
{
    public static void WriteStrings(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }
        writer.WriteEndArray();
    }
}
