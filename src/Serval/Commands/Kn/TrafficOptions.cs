using System.CommandLine;

namespace Serval.Commands.Kn;

/// <summary>Options about traffic; each takes several values split by commas, too.</summary>
internal static class TrafficOptions
{
    public static Option<string[]> Tag() => new("--tag")
    {
        Description = "Tag a revision; REVISION may be @latest; may be repeated", HelpName = "REVISION=TAG",
    };

    public static Option<string[]> Untag() => new("--untag") { Description = "Take a tag away; may be repeated", HelpName = "TAG" };

    public static Option<string[]> Traffic() => new("--traffic")
    {
        Description = "Share of the requests; REVISION may be a tag or @latest; what is missing to 100 goes to the one that is not named; may be repeated",
        HelpName = "REVISION=PERCENT",
    };

    public static IReadOnlyList<string> Words(ParseResult parse, Option<string[]> option) => [.. (parse.GetValue(option) ?? []).SelectMany(v => v.Split(','))];
}
