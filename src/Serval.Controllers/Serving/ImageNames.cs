namespace Serval.Controllers.Serving;

/// <summary>What an image's name says by itself, as loosely as Knative reads it (go-containerregistry: name, WeakValidation).</summary>
internal static class ImageNames
{
    private const string Algorithm = "@sha256:";

    /// <summary>Whether it names its content: <c>name@sha256:</c> and 64 hexadecimal digits.</summary>
    internal static bool HasDigest(string image) =>
        image.IndexOf(Algorithm, StringComparison.Ordinal) is > 0 and var at
        && image[(at + Algorithm.Length)..] is { Length: 64 } digits && digits.All(d => char.IsAsciiDigit(d) || char.IsAsciiHexDigitLower(d));
}
