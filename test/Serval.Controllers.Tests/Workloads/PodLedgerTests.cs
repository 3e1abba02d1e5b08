using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Tests.Workloads;

/// <summary>The sums that are kept are the sums that counting gives.</summary>
public sealed class PodLedgerTests
{
    private readonly WorkloadWorld _world = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 40)];

    /// <summary>Pods come, are bound, end, change and go in any order, half of it before the ledger looks.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Sums_AfterAnyChanges_AreThoseOfARecount(int seed)
    {
        var random = new Random(seed);
        var early = Ledger();
        var late = Ledger();
        for (var step = 0; step < 120; step++)
        {
            await ChangeAsync(random, step);
            Assert.Equal(Recount(), Text(early), StringComparer.Ordinal);
            if (step == 60)
            {
                Assert.Equal(Recount(), Text(late), StringComparer.Ordinal);
            }
        }
        Assert.Equal(Recount(), Text(late), StringComparer.Ordinal);
    }

    [Fact]
    public void Hold_CountsUntilItIsLetGo_AndTellsWhoWasRefused()
    {
        var ledger = Ledger();
        var freed = 0;
        ledger.Freed += _ => freed++;
        var one = new Dictionary<string, Quantity> { ["cpu"] = Quantity.Parse("1") };
        bool Fits(IReadOnlyDictionary<string, Quantity> taken) => taken.GetValueOrDefault("cpu") < Quantity.Parse("1");
        var held = ledger.Hold("a", one, Fits)!;
        held.Dispose();
        Assert.Equal(0, freed); // nobody waits for it
        held = ledger.Hold("a", one, Fits)!;
        Assert.Null(ledger.Hold("a", one, Fits));
        held.Dispose();
        held.Dispose();
        Assert.Equal(1, freed);
        Assert.Empty(ledger.Of("a"));
        Assert.NotNull(ledger.Hold("a", one, Fits));
    }

    private PodLedger Ledger() => new(_world.Client.Cache(Kinds.Pod), p => p.Spec.NodeName.Length > 0 ? p.Spec.NodeName : null, PodResources.Requests);

    private async Task ChangeAsync(Random random, int step)
    {
        var pods = _world.Client.Cache(Kinds.Pod).List();
        var name = $"p{step}";
        var act = pods.Count == 0 ? 0 : random.Next(5);
        var pod = pods.Count == 0 ? null : pods[random.Next(pods.Count)];
        switch (act)
        {
            case 1:
                await _world.PatchAsync(Kinds.Pod, pod!.Metadata.Name, $$"""{"spec":{"nodeName":"n{{random.Next(2)}}"} }""");
                break;
            case 2:
                await _world.PatchAsync(Kinds.Pod, pod!.Metadata.Name, $$$"""{"status":{"phase":"{{{(random.Next(2) == 0 ? "Running" : "Failed")}}}"}}""");
                break;
            case 3:
                await _world.PatchAsync(Kinds.Pod, pod!.Metadata.Name, $$"""{"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"{{random.Next(5)}}"} } }]} }""");
                break;
            case 4:
                await _world.Client.DeleteAsync(Kinds.Pod, pod!.Key, new DeleteOptions { GracePeriodSeconds = 0 });
                break;
            default:
                var node = random.Next(3) is > 0 and var n ? $"\"nodeName\":\"n{n - 1}\"," : "";
                _world.Create(Kinds.Pod, $$"""
                    {"metadata":{"name":"{{name}}"},"spec":{{{node}}"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"{{random.Next(900)}}m","memory":"{{random.Next(9)}}Mi"} } }]} }
                    """);
                break;
        }
    }

    private string Recount() => string.Join('|', Enumerable.Range(0, 2).Select(n => Text(
        _world.Client.Cache(Kinds.Pod).List().Select(p => p.As<Pod>()).Where(p => p.Spec.NodeName == $"n{n}" && p.Status.Phase is not ("Failed" or "Succeeded"))
            .SelectMany(p => PodResources.Requests(p.Spec)).GroupBy(a => a.Key)
            .ToDictionary(g => g.Key, g => g.Aggregate(Quantity.Zero, (sum, a) => sum + a.Value)))));

    private static string Text(PodLedger ledger) => string.Join('|', Enumerable.Range(0, 2).Select(n => Text(ledger.Of($"n{n}"))));

    private static string Text(IReadOnlyDictionary<string, Quantity> sums) => string.Join(
        ' ', sums.Where(s => !s.Value.IsZero).OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}={s.Value.MilliValue}m"));
}
