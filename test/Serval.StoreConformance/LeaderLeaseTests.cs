using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.StoreConformance;

/// <summary>Two that would lead, each with a clock of its own; only the clock of one that lives moves.</summary>
public sealed class LeaderLeaseTests : IAsyncLifetime
{
    private static readonly ObjectKey s_key = new("facts", "leader");
    private OpenedStore _store = null!;

    public async Task InitializeAsync() => _store = await OpenedStore.OpenAsync(new StoreOptions());

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(3600)]
    [InlineData(-3600)]
    public async Task Leader_Dies_TheOtherLeadsWhenTheLeaseIsOver(int skewSeconds)
    {
        await using var a = new Elector(_store.Client, "a");
        await using var b = new Elector(_store.Client, "b");
        b.Time.StepWallClock(TimeSpan.FromSeconds(skewSeconds));
        a.Start();
        await a.UntilAsync(() => a.Leads);
        b.Start();
        for (var look = 0; look < 30; look++)
        {
            await a.PassAsync();
            await b.PassAsync();
            Assert.True(a.Leads && !b.Leads, $"look {look}: {a.Leads}, {b.Leads}");
        }

        var waited = await b.UntilAsync(() => b.Leads); // a's time stands still
        Assert.InRange(waited, LeaderLease.Duration - (LeaderLease.RetryPeriod * 2), LeaderLease.Duration + (LeaderLease.RetryPeriod * 2));
        Assert.Equal(("b", "1"), await HolderAsync());

        await a.UntilAsync(() => !a.Leads); // back to life: it sees that it was deposed
        Assert.Equal(("b", "1"), await HolderAsync());
    }

    [Fact]
    public async Task Leader_Stops_TheOtherLeadsAtOnce()
    {
        await using var b = new Elector(_store.Client, "b");
        await using (var a = new Elector(_store.Client, "a"))
        {
            a.Start();
            await a.UntilAsync(() => a.Leads);
            b.Start();
            await b.PassAsync();
        }
        await Poll.UntilAsync(() => b.Leads); // no time passes
        Assert.Equal(("b", "1"), await HolderAsync());
    }

    [Fact]
    public async Task Leader_CannotRenew_StopsBeforeTheOtherLeads()
    {
        var line = new FailingClient(_store.Client);
        await using var a = new Elector(line, "a");
        await using var b = new Elector(_store.Client, "b");
        a.Start();
        await a.UntilAsync(() => a.Leads);
        b.Start();
        await b.PassAsync();
        line.Fails = true;
        for (var look = 0; !b.Leads; look++)
        {
            Assert.True(look < 30);
            await a.PassAsync();
            await b.PassAsync();
            Assert.False(a.Leads && b.Leads, "both lead");
        }
        Assert.False(a.Leads);
    }

    [Fact]
    public async Task Leader_WhoseWorkFails_GivesTheLeaseBackAndTells()
    {
        var time = new ManualTime();
        var lease = new LeaderLease(_store.Client, s_key, "a", time, new Calm(), NullLogger<LeaderLease>.Instance);
        await Assert.ThrowsAsync<InvalidOperationException>(() => lease.RunAsync(_ => Task.FromException(new InvalidOperationException("defect")), CancellationToken.None));
        Assert.Equal(("", "0"), await HolderAsync());
    }

    [Fact]
    public async Task Lease_ThatIsForbidden_IsNotWaitedFor()
    {
        var forbidden = new FailingClient(_store.Client) { Fails = true, Failure = new ApiException(403, "Forbidden", "no lease for you") };
        var lease = new LeaderLease(forbidden, s_key, "a", new ManualTime(), new Calm(), NullLogger<LeaderLease>.Instance);
        var refused = await Assert.ThrowsAsync<ApiException>(() => lease.RunAsync(_ => Task.CompletedTask, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(forbidden.Failure.Message, refused.Message);
    }

    private async Task<(string? Holder, string? Transitions)> HolderAsync()
    {
        var lease = await _store.Client.GetAsync(Kinds.Lease, s_key);
        return (lease.Text("spec", "holderIdentity"), lease.Text("spec", "leaseTransitions"));
    }

    private sealed class Elector(IKubeClient client, string name) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private Task _run = Task.CompletedTask;
        private volatile bool _leads;

        public ManualTime Time { get; } = new();

        public bool Leads => _leads;

        public void Start()
        {
            var lease = new LeaderLease(client, s_key, name, Time, new Calm(), NullLogger<LeaderLease>.Instance);
            _run = lease.RunAsync(LeadAsync, _stop.Token);
        }

        /// <summary>Lets time pass to the next look, and the look be over.</summary>
        public async Task PassAsync()
        {
            await Time.AdvanceOnceAsync(LeaderLease.RetryPeriod);
            await Time.WhenAwaitedAsync(LeaderLease.RetryPeriod).WaitAsync(TimeSpan.FromSeconds(20));
        }

        public async Task<TimeSpan> UntilAsync(Func<bool> reached)
        {
            var passed = TimeSpan.Zero;
            while (!reached())
            {
                Assert.True(passed < TimeSpan.FromMinutes(2));
                await PassAsync();
                passed += LeaderLease.RetryPeriod;
            }
            return passed;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run;
            _stop.Dispose();
        }

        private async Task LeadAsync(CancellationToken ct)
        {
            _leads = true;
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _leads = false;
        }
    }

    /// <summary>No jitter.</summary>
    private sealed class Calm : Random
    {
        public override double NextDouble() => 0;
    }

    /// <summary>A client whose server is out of reach when told.</summary>
    private sealed class FailingClient(IKubeClient inner) : IKubeClient
    {
        public bool Fails { get; set; }

        public ApiException Failure { get; init; } = new(503, "ServiceUnavailable", "out of reach");

        private IKubeClient Inner => Fails ? throw Failure : inner;

        public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) => Inner.GetAsync(kind, key, ct);

        public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default) => Inner.ListAsync(kind, ns, options, ct);

        public IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default) => Inner.WatchAsync(kind, ns, options, ct);

        public Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default) => Inner.CreateAsync(kind, obj, options, ct);

        public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default) => Inner.UpdateAsync(kind, obj, options, ct);

        public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default) => Inner.PatchAsync(kind, key, patch, options, ct);

        public Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default) => Inner.DeleteAsync(kind, key, options, ct);

        public Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default) =>
            Inner.DeleteCollectionAsync(kind, ns, list, options, ct);

        public IObjectCache Cache(ResourceKind kind) => inner.Cache(kind);
    }
}
