using System.Text;

namespace Serval.Api.Admission;

/// <summary>
/// The checksum by which a ConfigMap of Knative tells that its explained example was edited (knative/pkg: configmap/example): CRC-32 (IEEE 802.3) of
/// the trimmed text, in which each run of line ends is a backslash and an n.
/// </summary>
internal static class ExampleChecksum
{
    public const string Annotation = "knative.dev/example-checksum";

    private const uint Polynomial = 0xEDB88320; // reflected

    public static string Of(string example)
    {
        var lines = example.Trim().Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n').Where((line, i) => i == 0 || line.Length > 0);
        var crc = uint.MaxValue;
        foreach (var part in Encoding.UTF8.GetBytes(string.Join("\\n", lines)))
        {
            crc ^= part;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ Polynomial;
            }
        }
        return $"{~crc:x8}";
    }
}
