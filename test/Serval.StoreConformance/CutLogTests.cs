using Serval.Api;
using Serval.ApiServer.Store;
using Xunit.Abstractions;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>
/// Power loss while blocks of versions are small: the write-ahead log is cut behind any point that was synced. Whatever was acknowledged as
/// synced before the cut must be there, and versions must go on above every one that was ever handed out.
/// </summary>
public sealed class CutLogTests(ITestOutputHelper output)
{
    private static readonly ResourceKind[] s_kinds = [Kinds.ConfigMap, Kinds.Lease];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task WhatWasSynced_SurvivesACutOfTheLog(int seed)
    {
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var directory = new ScratchDirectory();
        await using var opened = await OpenedStore.OpenAsync(Options(directory));
        var history = await WriteAsync(opened, directory, random);
        for (var i = 0; i < 12; i++)
        {
            var at = random.Next(history.Count);
            var last = history[at];
            var end = at + 1 < history.Count ? history[at + 1].Durable : history[^1].Length;
            var cut = random.NextInt64(last.Durable, Math.Max(last.Durable, end) + 1);
            var lost = await LostAsync(directory, cut, cut, history, history.Where(w => w.Length <= Math.Max(cut, end)).Max(w => w.Stored.Version));
            Assert.True(lost is null, $"seed {seed}, log cut at {cut} of {history[^1].Length}: {lost}");
        }
    }

    /// <summary>The check above can fail: a cut one byte before the end of a synced write takes it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task ACutBeforeTheSync_IsNoticed(int seed)
    {
        using var directory = new ScratchDirectory();
        await using var opened = await OpenedStore.OpenAsync(Options(directory));
        var history = await WriteAsync(opened, directory, new Random(seed));
        var last = history.FindLast(w => w.Synced)!;
        var lost = await LostAsync(directory, last.Length - 1, last.Length, history, newest: 0);
        Assert.Equal($"{last.Stored.Key} was acknowledged at version {last.Stored.Version}", lost?.Split(", found")[0]);
    }

    private static StoreOptions Options(ScratchDirectory directory) => new() { Directory = directory.Path, CheckpointBytes = 0, VersionBlock = 25 };

    /// <summary>Random synced and derived writes, one at a time; beside each how long the log was, and how long at the last sync.</summary>
    private static async Task<List<Written>> WriteAsync(OpenedStore opened, ScratchDirectory directory, Random random)
    {
        var history = new List<Written>();
        long durable = new FileInfo(directory.Log).Length;
        long high = 0;
        for (var i = 0; i < 150; i++)
        {
            var synced = random.Next(3) == 0;
            var name = $"m{random.Next(12)}";
            var filler = new string('x', random.Next(3000));
            var stored = synced
                ? await opened.Touch(name, $"{i}{filler}")
                : await opened.Client.CreateAsync(Kinds.Lease, Lease($"l{i}", filler), Write);
            var length = new FileInfo(directory.Log).Length;
            var mark = await opened.Store.DoAsync(static d => d.Scalar("SELECT value FROM meta WHERE name = 'high'")) ?? 0;
            // A new block of versions is synced before its first use; where exactly does not show, so the whole write counts.
            durable = synced || mark != high ? length : durable;
            high = mark;
            history.Add(new Written(stored, synced, length, durable));
        }
        return history;
    }

    /// <summary>The first thing that is wrong after the cut, or null. What was synced up to a length must be there, and nothing without what came before it.</summary>
    private static async Task<string?> LostAsync(ScratchDirectory directory, long cut, long synced, List<Written> history, long newest)
    {
        using var copy = directory.CopyDatabase(cut);
        await using var after = await OpenedStore.OpenAsync(Options(copy));
        var found = s_kinds.SelectMany(k => after.Client.Cache(k).List()).ToDictionary(o => (o.Kind, o.Key));
        foreach (var (write, at) in Last(history.Where(w => w.Synced && w.Length <= synced)))
        {
            if (!found.TryGetValue(write, out var kept) || kept.Version < at.Version)
            {
                return $"{write.Key} was acknowledged at version {at.Version}, found {kept?.Version.ToString() ?? "nothing"}";
            }
        }
        var reached = found.Values.Select(o => o.Version).DefaultIfEmpty().Max();
        var prefix = Last(history.Where(w => w.Stored.Version <= reached));
        if (prefix.Count != found.Count || prefix.Any(p => !found.TryGetValue(p.Key, out var there) || !there.SameAs(p.Value)))
        {
            return $"what is there is not what was written up to version {reached}";
        }
        var next = await after.Create("after");
        return next.Version > newest ? null : $"version {next.Version} was handed out again: {newest} was known before";
    }

    private static Dictionary<(string Kind, ObjectKey Key), KubeObject> Last(IEnumerable<Written> writes) =>
        writes.GroupBy(w => (w.Stored.Kind, w.Stored.Key)).ToDictionary(g => g.Key, g => g.Last().Stored);

    private sealed record Written(KubeObject Stored, bool Synced, long Length, long Durable);
}
