using Serval.Api;
using Serval.Cli;

namespace Serval.Manifests;

/// <summary>The namespace a manifest's object belongs to.</summary>
internal static class ManifestTarget
{
    public static string Namespace(ResourceKind kind, ManifestDocument document, string? given, string fallback)
    {
        if (!kind.Namespaced)
        {
            return "";
        }
        if (document.Namespace.Length > 0 && given is { Length: > 0 } && document.Namespace != given)
        {
            throw new CliException(
                ExitCodes.Usage, $"{document.Source}: {document.Kind} {document.Name} says namespace \"{document.Namespace}\", the command line \"{given}\"; remove one of them");
        }
        return document.Namespace.Length > 0 ? document.Namespace : given is { Length: > 0 } ? given : fallback;
    }
}
