using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Kn;

namespace Serval.Tests.Kn;

public sealed class TrafficEditTests
{
    private const string Two = "[{latestRevision: true, percent: 80}, {revisionName: x-1, percent: 20, latestRevision: false}]";

    [Theory]
    [InlineData("traffic 100", "[{latestRevision: true, percent: 100}]", "[{latestRevision: true, percent: 100}]")]
    [InlineData("traffic @latest=40 | traffic x-1=60%", "[{latestRevision: true, percent: 100}]", "[{latestRevision: true, percent: 40}, {latestRevision: false, revisionName: x-1, percent: 60}]")]
    [InlineData("traffic x-1=100", Two, "[{revisionName: x-1, percent: 100, latestRevision: false}]")]
    [InlineData("tag x-1=old", Two, "[{latestRevision: true, percent: 80}, {revisionName: x-1, percent: 20, latestRevision: false, tag: old}]")]
    [InlineData("tag x-0=older", Two, "[{latestRevision: true, percent: 80}, {revisionName: x-1, percent: 20, latestRevision: false}, {latestRevision: false, revisionName: x-0, percent: 0, tag: older}]")]
    [InlineData("tag current", Two, "[{latestRevision: true, percent: 80, tag: current}, {revisionName: x-1, percent: 20, latestRevision: false}]")]
    [InlineData("tag x-1=b", "[{revisionName: x-1, percent: 100, tag: a}]", "[{revisionName: x-1, percent: 100, tag: a}, {latestRevision: false, revisionName: x-1, percent: 0, tag: b}]")]
    [InlineData("tag x-1=a", "[{revisionName: x-1, percent: 100, tag: a}]", "[{revisionName: x-1, percent: 100, tag: a}]")]
    [InlineData("untag a", "[{revisionName: x-1, percent: 100}, {revisionName: x-2, percent: 0, tag: a}]", "[{revisionName: x-1, percent: 100}]")]
    [InlineData("untag a | tag x-2=a", "[{revisionName: x-1, percent: 100, tag: a}]", "[{revisionName: x-1, percent: 100}, {latestRevision: false, revisionName: x-2, percent: 0, tag: a}]")]
    [InlineData("tag x-1=a | traffic a=30 | traffic @latest=70", Two, "[{latestRevision: true, percent: 70}, {revisionName: x-1, percent: 30, latestRevision: false, tag: a}]")]
    [InlineData("traffic x-1=100", "[{revisionName: x-1, percent: 100}, {revisionName: x-2, percent: 0, tag: x-1}]", "[{revisionName: x-2, percent: 100, tag: x-1}]")]
    [InlineData("traffic x-1=30", Two, "[{latestRevision: true, percent: 70}, {revisionName: x-1, percent: 30, latestRevision: false}]")]
    [InlineData("traffic @latest=10", Two, "[{latestRevision: true, percent: 10}, {revisionName: x-1, percent: 90, latestRevision: false}]")]
    [InlineData("traffic x-1=10", "[{revisionName: x-1, percent: 50}, {revisionName: x-2, percent: 50, tag: b}]", "[{revisionName: x-1, percent: 10}, {revisionName: x-2, percent: 90, tag: b}]")]
    [InlineData("traffic b=10", "[{revisionName: x-1, percent: 50}, {revisionName: x-2, percent: 50, tag: b}]", "[{revisionName: x-1, percent: 90}, {revisionName: x-2, percent: 10, tag: b}]")]
    [InlineData("new | traffic x-1=90", "[{revisionName: x-1, percent: 100}]", "[{revisionName: x-1, percent: 90}, {latestRevision: true, percent: 10}]")]
    [InlineData("new | traffic @latest=10", "[{revisionName: x-1, percent: 100}]", "[{revisionName: x-1, percent: 90}, {latestRevision: true, percent: 10}]")]
    [InlineData("new | untag a | traffic @latest=10", "[{latestRevision: true, revisionName: x-1, percent: 100, tag: a}]", "[{latestRevision: true, revisionName: x-1, percent: 10}, {latestRevision: false, revisionName: x-1, percent: 90}]")]
    [InlineData("untag b | traffic x-1=10", "[{revisionName: x-1, percent: 50}, {revisionName: x-2, percent: 50, tag: b}]", "[{revisionName: x-1, percent: 10}, {revisionName: x-2, percent: 90}]")]
    public void Apply_Flags_MakeTheNewTraffic(string flags, string before, string after) =>
        Edits.Equal("{traffic: " + after + "}", new JsonObject { ["traffic"] = Apply(flags, before) });

    [Theory]
    [InlineData("traffic x-1=60 | traffic x-2=50", "given traffic percents sum to 110, want <=100")]
    [InlineData("traffic x-1=50 | traffic x-1=50", "more than once")]
    [InlineData("traffic x-1=101", "0 to 100")]
    [InlineData("traffic x-1=-1", "0 to 100")]
    [InlineData("traffic x-1=many", "\"many\"")]
    [InlineData("traffic =5", "--traffic \"=5\"")]
    [InlineData("traffic a=b=5", "--traffic \"a=b=5\"")]
    [InlineData("traffic x-1=20 | traffic x-0=20", "unable to allocate the remaining traffic: 60%")]
    [InlineData("new | traffic x-1=20", "unable to allocate the remaining traffic: 80%")]
    [InlineData("traffic x-0=20", "[]", "unable to allocate the remaining traffic: 80%")]
    [InlineData("untag gone", "tag(s) gone not present for any revisions of service x")]
    [InlineData("tag x-0=a", "[{revisionName: x-1, percent: 100, tag: a}]", "refusing to overwrite existing tag in service, add flag '--untag a'")]
    [InlineData("tag @latest=b", "[{latestRevision: true, percent: 100, tag: a}]", "tag 'a' exists on latest ready revision of service")]
    public void Apply_WrongFlags_AreRefused(string flags, string before, string message = "")
    {
        (before, message) = message.Length == 0 ? (Two, before) : (before, message);

        var error = Assert.Throws<CliException>(() => Apply(flags, before));

        Assert.Equal(ExitCodes.Usage, error.ExitCode);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static JsonArray Apply(string flags, string before)
    {
        var given = flags.Split(" | ").Select(f => f.Split(' ')).ToArray();
        string[] Of(string name) => [.. given.Where(g => g[0] == name).Select(g => g[1])];
        var service = Edits.Tree("{metadata: {name: x}, spec: {traffic: " + before + "}, status: {latestReadyRevisionName: x-9, traffic: " + before + "}}");
        return new TrafficEdit(Of("traffic"), Of("tag"), Of("untag")).Apply(service, newRevision: given.Any(g => g[0] == "new"));
    }
}
