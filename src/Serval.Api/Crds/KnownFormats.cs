using System.Collections.Frozen;

namespace Serval.Api.Crds;

/// <summary>The formats a schema may name (apiextensions-apiserver pkg/apiserver/validation/formats.go); others are ignored, with a warning.</summary>
internal static class KnownFormats
{
    private static readonly FrozenSet<string> s_texts = FrozenSet.Create(
        StringComparer.Ordinal,
        "bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4", "uuid5", "isbn", "isbn10", "isbn13",
        "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password", "date", "duration", "datetime", "k8sshortname", "k8slongname");

    /// <summary>The format without dashes when values of the type have it; else empty.</summary>
    public static string Find(string type, string format) => type switch
    {
        "" or "string" => Text(format),
        "integer" => format is "int32" or "int64" ? format : "",
        "number" => format is "float" or "double" ? format : "",
        _ => "",
    };

    private static string Text(string format)
    {
        var normal = format.Replace("-", "", StringComparison.Ordinal);
        return s_texts.Contains(normal) ? normal : "";
    }
}
