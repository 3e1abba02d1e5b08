using Serval.Api;
using Serval.ApiServer.Store;
using static Serval.StoreConformance.Objects;

namespace Serval.StoreConformance;

/// <summary>Copies of a database that is in use, and what becomes of them.</summary>
public sealed class StoreCopyTests : IDisposable
{
    private readonly ScratchDirectory _directory = new();
    private readonly ScratchDirectory _other = new();

    public void Dispose()
    {
        _directory.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task Copy_OpensAsTheSameState()
    {
        await using var opened = await OpenAsync(_directory);
        await opened.Create("a");
        Assert.Equal(StoreSchema.Current, await CopyAsync());
        await opened.Create("b");
        await using var copy = await OpenAsync(_other);
        Assert.Equal(["a"], copy.Client.Cache(Kinds.ConfigMap).List().Select(o => o.Metadata.Name));
        var refused = await Assert.ThrowsAsync<StoreException>(CopyAsync);
        Assert.Contains("already exists", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_WhileWritesGoOn_HoldsAllThatWasAcknowledgedBefore()
    {
        await using var opened = await OpenAsync(_directory);
        using var enough = new CancellationTokenSource();
        var acknowledged = 0;
        var half = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writing = Task.Run(async () =>
        {
            for (; !enough.IsCancellationRequested; acknowledged++)
            {
                await opened.Create($"c{acknowledged}");
                if (acknowledged == 20)
                {
                    half.SetResult();
                }
            }
        });
        await half.Task;
        var least = Volatile.Read(ref acknowledged);
        await CopyAsync();
        await enough.CancelAsync();
        await writing;
        await using var copy = await OpenAsync(_other);
        var names = copy.Client.Cache(Kinds.ConfigMap).List().Select(o => o.Metadata.Name).ToHashSet();
        Assert.InRange(names.Count, least, acknowledged);
        Assert.Equal(Enumerable.Range(0, names.Count).Select(i => $"c{i}").ToHashSet(), names); // no later one without an earlier one
    }

    /// <summary>What the original handed out after the copy is not handed out again for something else.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Adopted_KnowsTheVersionsOfTheOriginalAsLost(bool whileInUse)
    {
        long before;
        long after;
        await using (var opened = await OpenAsync(_directory, 10))
        {
            before = (await opened.Create("a")).Version;
            if (whileInUse)
            {
                await CopyAsync();
            }
        }
        if (!whileInUse)
        {
            await CopyAsync();
        }
        await using (var opened = await OpenAsync(_directory, 10))
        {
            for (var i = 0; i < 100; i++)
            {
                await opened.Touch("b", $"{i}");
            }
            after = opened.Store.Version;
        }
        StoreCopy.Adopt(SqliteStore.DatabasePath(_other.Path), "the backup");
        await using var copy = await OpenAsync(_other, 10);
        Assert.True((await copy.Create("c")).Version > after + 1_000_000);
        await using var lost = copy.Watch(after);
        await Refused(410, () => lost.NextAsync());
        await using var known = copy.Watch(before);
        Assert.Equal(["Added c"], await known.TakeAsync(1));
    }

    [Fact]
    public async Task Adopted_HasNoLeases_AsTheirHoldersAreNotThere()
    {
        await using (var opened = await OpenAsync(_directory))
        {
            await opened.Create("a");
            await opened.Client.CreateAsync(Kinds.Lease, Parse("""{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"held","namespace":"facts"}}"""), Write);
            await CopyAsync();
        }
        StoreCopy.Adopt(SqliteStore.DatabasePath(_other.Path), "the backup");
        await using var copy = await OpenAsync(_other);
        Assert.Empty(copy.Client.Cache(Kinds.Lease).List());
        Assert.Single(copy.Client.Cache(Kinds.ConfigMap).List());
    }

    [Fact]
    public async Task NoDatabase_AnEmptyOne_AndANewerOne_AreRefused()
    {
        Assert.Contains("there is no database", (await Assert.ThrowsAsync<StoreException>(CopyAsync)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(SqliteStore.DatabasePath(_directory.Path)));
        await File.WriteAllBytesAsync(SqliteStore.DatabasePath(_directory.Path), []);
        Assert.Contains("is empty", (await Assert.ThrowsAsync<StoreException>(CopyAsync)).Message, StringComparison.Ordinal);
        using (var database = new SqliteDatabase(SqliteStore.DatabasePath(_directory.Path)))
        {
            database.Execute("PRAGMA user_version=99");
        }
        Assert.Contains("newer Serval (layout 99", (await Assert.ThrowsAsync<StoreException>(CopyAsync)).Message, StringComparison.Ordinal);
        var refused = Assert.Throws<StoreException>(() => StoreCopy.Adopt(SqliteStore.DatabasePath(_directory.Path), "b.tar"));
        Assert.Contains("b.tar was written by a newer Serval", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADatabaseOfSomebodyElse_IsNotAdopted()
    {
        var path = SqliteStore.DatabasePath(_directory.Path);
        using (var database = new SqliteDatabase(path))
        {
            database.Execute("CREATE TABLE theirs(a); PRAGMA user_version=1");
        }
        var refused = Assert.Throws<StoreException>(() => StoreCopy.Adopt(path, "b.tar"));
        Assert.Contains("not Serval's, or it is damaged", refused.Message, StringComparison.Ordinal);
    }

    private Task<int> CopyAsync() => StoreCopy.WriteAsync(_directory.Path, SqliteStore.DatabasePath(_other.Path));

    private static Task<OpenedStore> OpenAsync(ScratchDirectory directory, int block = 10_000) =>
        OpenedStore.OpenAsync(new StoreOptions { Directory = directory.Path, VersionBlock = block });
}
