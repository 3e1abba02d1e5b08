using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Serval.Api.Admission;
using Serval.Cli;

namespace Serval.Kn;

/// <summary>Names the revision a change makes (knative/client: GenerateRevisionName).</summary>
internal static partial class RevisionName
{
    /// <summary>
    /// For a service whose revision was named by its user: the server's own names count generations, which may be taken by revisions of that
    /// name (those of an import are).
    /// </summary>
    public const string Unique = "{{.Service}}-{{.Random 5}}-{{.Generation}}";

    private const string Consonants = "bcdfghjklmnpqrstvwxyz";

    /// <summary>An empty template leaves the name to the server.</summary>
    public static void Set(EditTarget target, string template)
    {
        var metadata = target.Template.Ensure("metadata");
        metadata.Remove("name");
        if (template.Length == 0)
        {
            return;
        }
        var name = Field().Replace(template, match => match.Groups["name"].Value switch
        {
            "Service" => target.Name,
            "Generation" => ((target.Service.Object("metadata").Number("generation") ?? 0) + 1).ToString(CultureInfo.InvariantCulture),
            _ => target.Scene.Random(int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture)),
        });
        if (name.Contains("{{", StringComparison.Ordinal))
        {
            throw new CliException(ExitCodes.Usage, $"--revision-name \"{template}\" is not understood; it may hold {{{{.Service}}}}, {{{{.Generation}}}} and {{{{.Random N}}}}");
        }
        metadata["name"] = name.StartsWith(target.Name + "-", StringComparison.Ordinal) ? name : $"{target.Name}-{name}";
    }

    public static string RandomConsonants(int count) => RandomNumberGenerator.GetString(Consonants, count);

    [GeneratedRegex(@"\{\{ ?\.((?<name>Service|Generation)|Random +(?<count>[0-9]{1,2})) ?\}\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Field();
}
