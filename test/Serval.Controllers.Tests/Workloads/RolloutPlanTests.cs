using System.Text;
using Serval.Api;
using Serval.Api.Apps;
using Serval.Controllers.Workloads;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>Tables of single steps. A set reads "spec/replicas/available", the present one "current", old ones "a", "b", … from the oldest.</summary>
public sealed class RolloutPlanTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    // A new template: up by the surge, down only what may be missing.
    [InlineData(4, "1", "0", null, "4/4/4", "create=1")]
    [InlineData(4, "0", "1", null, "4/4/4", "create=0 a=3")]
    [InlineData(10, "3", "2", null, "10/10/10", "create=3 a=8")]
    [InlineData(4, "1", "0", "1/1/0", "4/4/4", "")]
    [InlineData(4, "1", "0", "1/1/1", "4/4/4", "a=3")]
    [InlineData(4, "1", "0", "1/1/1", "3/3/3", "current=2")]
    // Statuses that lag behind: an old set that says it has nothing available is not swept away.
    [InlineData(4, "1", "0", "1/1/0", "4/4/0", "")]
    [InlineData(4, "1", "0", "1/1/1", "4/4/0", "a=3")]
    // … and one that still counts what was just taken from it is not believed.
    [InlineData(3, "1", "0", "2/2/2", "2/3/3", "a=1")]
    // What is broken among the old goes first, but within the budget (upstream's example: 10 wanted, 3 over, 2 below, the new ones all broken).
    [InlineData(10, "3", "2", "5/5/0", "8/8/8", "")]
    [InlineData(10, "3", "2", "5/5/0", "8/8/7", "")]
    [InlineData(10, "3", "2", "8/8/7", "5/5/0", "a=1")]
    [InlineData(10, "3", "2", "0/0/0", "8/8/8,5/5/0", "b=0")]
    // The end.
    [InlineData(4, "1", "0", "4/4/4", "1/1/1", "a=0")]
    [InlineData(4, "1", "0", "4/4/4", "0/0/0", "")]
    [InlineData(4, "1", "0", "5/5/5", "0/0/0", "current=4")]
    [InlineData(1, "25%", "25%", null, "", "create=1")]
    [InlineData(0, "25%", "25%", null, "1/1/1", "create=0 a=0")]
    public void RollingUpdate(int desired, string surge, string unavailable, string? current, string old, string plan) =>
        Assert.Equal(plan, Plan(Rolling(desired, surge, unavailable), current, old));

    [Theory]
    [InlineData(null, "", "create=3")]
    [InlineData(null, "3/3/3", "a=0")]
    [InlineData(null, "0/3/3", "")]
    [InlineData(null, "0/0/0 runs", "")]
    [InlineData(null, "0/0/0", "create=3")]
    [InlineData("0/0/0", "0/0/0 runs", "")]
    [InlineData("0/0/0", "0/0/0", "current=3")]
    [InlineData("5/5/5", "", "current=3")]
    public void Recreate_StartsTheNewWhenNothingOldRuns(string? current, string old, string plan) =>
        Assert.Equal(plan, Plan("""{"replicas":3,"strategy":{"type":"Recreate"}}""", current, old));

    [Theory]
    [InlineData(5, null, "", "")]
    [InlineData(5, null, "3/3/3", "a=5")]
    [InlineData(5, "3/3/3", "0/0/0", "current=5")]
    [InlineData(5, "0/0/0", "0/0/0", "current=5")]
    [InlineData(20, "5/5/5 max=13", "8/8/8 max=13", "current=10 a=15")]
    public void Paused_ScalesWhatThereIs_AndMakesNothing(int desired, string? current, string old, string plan) => Assert.Equal(
        plan, Plan($$$$"""{"replicas":{{{{desired}}}},"paused":true,"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":5,"maxUnavailable":2}}}""", current, old));

    [Theory]
    [InlineData(20, "5/5/5 desired=10 max=13", "8/8/8 desired=10 max=13", "current=9 a=14")]
    [InlineData(5, "5/5/5 desired=10 max=13", "8/8/8 desired=10 max=13", "current=3 a=5")]
    [InlineData(0, "5/5/5 desired=10 max=10", "8/8/8 desired=10 max=10", "current=0 a=0")]
    [InlineData(20, "10/10/10 desired=20 max=23", "8/8/8 desired=10 max=13", "current=10 a=13")]
    // The present one has all that is wanted: the old ones have no share.
    [InlineData(5, "5/5/5 desired=5 max=8", "8/8/8 desired=10 max=13", "a=0")]
    // No scaling: the rollout goes on.
    [InlineData(10, "5/5/5 desired=10 max=13", "8/8/8 desired=10 max=13", "a=3")]
    public void ScaledInTheMiddle_SharesByProportion(int desired, string current, string old, string plan) =>
        Assert.Equal(plan, Plan(Rolling(desired, "3", "2"), current, old));

    private static string Rolling(int desired, string surge, string unavailable)
    {
        static string Share(string text) => text.EndsWith('%') ? $"\"{text}\"" : text;
        return $$$$"""
            {"replicas":{{{{desired}}}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":{{{{Share(surge)}}}},"maxUnavailable":{{{{Share(unavailable)}}}}}}}
            """;
    }

    private static string Plan(string spec, string? current, string old)
    {
        var deployment = KubeObject.Parse(Encoding.UTF8.GetBytes($$$$"""
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{{{{spec}}}}}
            """)).As<Deployment>();
        var sets = old.Split(',', StringSplitOptions.RemoveEmptyEntries).Select((s, i) => Set(((char)('a' + i)).ToString(), s, i)).ToList();
        var plan = RolloutPlan.For(deployment, current is null ? null : Set("current", current, 99), sets);
        var changed = plan.Sizes.OrderBy(s => s.Key == "current" ? "" : s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}={s.Value}");
        return string.Join(' ', plan.Create is { } size ? changed.Prepend($"create={size}") : changed);
    }

    private static SetFacts Set(string name, string text, int age)
    {
        var words = text.Split(' ');
        var numbers = words[0].Split('/').Select(int.Parse).ToArray();
        int? Word(string key) => words.FirstOrDefault(w => w.StartsWith(key + "=", StringComparison.Ordinal)) is { } word ? int.Parse(word[(key.Length + 1)..]) : null;
        return new SetFacts(name, numbers[0], numbers[1])
        {
            Available = numbers[2], Created = s_start.AddMinutes(age), Desired = Word("desired"), Max = Word("max"), Runs = words.Contains("runs"),
        };
    }
}
