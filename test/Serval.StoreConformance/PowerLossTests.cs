using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Store;
using static Serval.StoreConformance.Samples;

namespace Serval.StoreConformance;

/// <summary>
/// A power loss keeps what was synced and may take any of what the operating system still held: the write-ahead log is cut behind the
/// last acknowledged synced write, and everything acknowledged as synced must be there.
/// </summary>
public sealed class PowerLossTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Cut_BehindTheLastSyncedWrite_LosesNoSyncedWrite(int seed)
    {
        var (history, before, total) = await RecordAsync(seed, async (history, source, total) =>
        {
            var random = new Random(seed);
            var safe = history.FindLast(h => h.Synced)!.LogLength;
            foreach (var cut in Enumerable.Range(0, 6).Select(_ => random.NextInt64(safe, total + 1)).Append(safe).Append(total))
            {
                Assert.True(await SurvivesAsync(history, source, cut), $"seed {seed}: a synced write is lost with the log cut at {cut} of {total}, synced up to {safe}");
            }
        });
        Assert.True(total > before && history.Count > 0);
    }

    /// <summary>The check above can fail: a cut before the point that was synced is noticed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Cut_BeforeTheLastSyncedWrite_IsNoticed(int seed) => await RecordAsync(seed, async (history, source, _) =>
    {
        var safe = history.FindLast(h => h.Synced)!.LogLength;
        Assert.False(await SurvivesAsync(history, source, safe - 1), $"seed {seed}: the last synced write ends at {safe}, yet a log cut one byte before still holds it");
    });

    private static async Task<(List<Written> History, long Before, long Total)> RecordAsync(int seed, Func<List<Written>, string, long, Task> examine)
    {
        var directory = Directory.CreateTempSubdirectory("serval-power-");
        try
        {
            await using var store = await SqliteStore.OpenAsync(Options(directory.FullName));
            using var client = new EmbeddedKubeClient(store, TimeProvider.System, NullLoggerFactory.Instance);
            await client.CreateAsync(Kinds.Namespace, Namespace("default"), Plain);
            var before = LogLength(directory.FullName);
            var history = new List<Written>();
            var random = new Random(seed);
            for (var i = 0; i < 60; i++)
            {
                var synced = i < 45 && random.Next(3) == 0; // the tail is derived: something to lose
                var (kind, blank) = synced ? (Kinds.ConfigMap, ConfigMap($"o{random.Next(5)}")) : (Kinds.Lease, Lease($"o{random.Next(5)}"));
                var next = blank.Labeled("red", i);
                var stored = client.Cache(kind).Get(next.Key) is null
                    ? await client.CreateAsync(kind, next, Plain)
                    : await client.UpdateAsync(kind, next.WithVersion(client.Cache(kind).Get(next.Key)!.Version), Plain);
                history.Add(new Written(kind, stored, synced, LogLength(directory.FullName)));
            }
            var total = LogLength(directory.FullName);
            await examine(history, directory.FullName, total);
            return (history, before, total);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>Opens a copy with a cut log: false when a synced write is missing. What is there must be a prefix of what was written.</summary>
    private static async Task<bool> SurvivesAsync(List<Written> history, string source, long cut)
    {
        var copy = Directory.CreateTempSubdirectory("serval-power-");
        try
        {
            var database = SqliteStore.DatabasePath(copy.FullName);
            File.Copy(SqliteStore.DatabasePath(source), database);
            File.Copy(SqliteStore.DatabasePath(source) + "-wal", database + "-wal");
            using (var log = new FileStream(database + "-wal", FileMode.Open, FileAccess.Write))
            {
                log.SetLength(cut);
            }
            await using var store = await SqliteStore.OpenAsync(Options(copy.FullName));
            Assert.True(store.Version >= history[^1].Object.Version, "a version that was handed out before the power loss may be handed out again");
            ResourceKind[] kinds = [Kinds.ConfigMap, Kinds.Lease];
            var found = kinds.SelectMany(k => store.Cache(k).List()).ToDictionary(o => (o.Kind, o.Key));
            var newest = found.Count == 0 ? 0 : found.Values.Max(o => o.Version);
            var prefix = history.Where(h => h.Object.Version <= newest).GroupBy(h => (h.Object.Kind, h.Object.Key)).Select(g => g.Last().Object).ToList();
            Assert.Equal(prefix.Count, found.Count);
            Assert.All(prefix, o => Assert.True(o.SameAs(found[(o.Kind, o.Key)]), $"{o} is not as it was at version {newest}"));
            return history.FindLast(h => h.Synced)!.Object.Version <= newest;
        }
        finally
        {
            copy.Delete(recursive: true);
        }
    }

    private static StoreOptions Options(string directory) => new() { Directory = directory, CheckpointPages = 0 };

    private static long LogLength(string directory) => new FileInfo(SqliteStore.DatabasePath(directory) + "-wal").Length;

    private sealed record Written(ResourceKind Kind, KubeObject Object, bool Synced, long LogLength);
}
