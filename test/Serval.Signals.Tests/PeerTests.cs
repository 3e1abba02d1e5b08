using Microsoft.Extensions.Logging.Abstractions;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals.Tests;

/// <summary>How peers are found by their Leases.</summary>
public sealed class PeerTests : IAsyncLifetime
{
    private readonly World _world = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Lease_TellsWhereAndWithWhatCertificateAndFacts()
    {
        var server = await _world.StartAsync();
        _world.Add(new World.Served(_world, PeerRole.Gateway, "one", server, new Dictionary<string, string> { [PeerFacts.GatewayHttp] = "10.0.0.1:80" }));
        var peer = Assert.Single(_world.Peers.Live(PeerRole.Gateway));
        Assert.Equal(("one", server.Address, server.Certificate, "10.0.0.1:80", ""),
            (peer.Id, peer.Address, peer.Certificate, peer.Fact(PeerFacts.GatewayHttp), peer.Fact(PeerFacts.PodCidr)));
        Assert.Empty(_world.Peers.Live(PeerRole.Node));
        var lease = await _world.Kube.GetAsync(Kinds.Lease, new ObjectKey("knative-serving", "serval-gateway-one"));
        Assert.Equal("gateway", lease.Metadata.Label("serval.dev/signals"));
        Assert.Equal("""{"holderIdentity":"one","leaseDurationSeconds":40,"renewTime":"2026-01-01T12:00:00.000000Z"}""", System.Text.Encoding.UTF8.GetString(lease.Member("spec").Span));
    }

    [Fact]
    public async Task Peer_LivesWhileItsLeaseIsRenewed_AndEndsWithIt()
    {
        var changes = 0;
        using var subscription = _world.Peers.Subscribe(() => changes++);
        var node = await _world.ServeAsync(PeerRole.Node, "n1");
        for (var i = 0; i < 12; i++)
        {
            await _world.Time.AdvanceOnceAsync(PeerLease.RenewPeriod);
            Assert.Single(_world.Peers.Live(PeerRole.Node));
        }
        Assert.Equal(1, changes);
        await node.DisposeAsync();
        Assert.Empty(_world.Peers.Live(PeerRole.Node));
        Assert.Equal(2, changes);
        Assert.Null(_world.Kube.Cache(Kinds.Lease).Get(new ObjectKey("kube-node-lease", "n1")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3600)]
    [InlineData(-3600)]
    public async Task Peer_ThatStopsRenewing_LapsesByTheReadersClock(int skewSeconds)
    {
        var theirs = new ManualTime(); // stands still
        theirs.StepWallClock(TimeSpan.FromSeconds(skewSeconds));
        await using var server = await _world.StartAsync();
        await using var lease = PeerLease.Keep(_world.Kube, PeerRole.Node, "n1", server, new Dictionary<string, string>(), theirs, NullLogger<PeerLease>.Instance);
        var changes = 0;
        using var subscription = _world.Peers.Subscribe(() => changes++);
        _world.Time.Advance(PeerLease.Duration - TimeSpan.FromMilliseconds(1));
        Assert.Single(_world.Peers.Live(PeerRole.Node));
        _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Empty(_world.Peers.Live(PeerRole.Node));
        Assert.Null(_world.Peers.Find(PeerRole.Node, "n1"));
        Assert.Equal(1, changes);

        await theirs.AdvanceOnceAsync(PeerLease.RenewPeriod); // it was only slow
        Assert.Single(_world.Peers.Live(PeerRole.Node));
        Assert.Equal(2, changes);
    }

    /// <summary>Nobody can renew at an API server that is away, and nobody can see it.</summary>
    [Fact]
    public async Task Peer_DoesNotLapse_WhileTheApiServerIsAway()
    {
        var theirs = new ManualTime(); // stands still
        await using var server = await _world.StartAsync();
        await using var lease = PeerLease.Keep(_world.Kube, PeerRole.Gateway, "one", server, new Dictionary<string, string>(), theirs, NullLogger<PeerLease>.Instance);
        _world.Kube.GetFailure = new ApiException(503, "ServiceUnavailable", "out of reach");
        _world.Time.Advance(PeerLease.Duration * 10);
        Assert.Single(_world.Peers.Live(PeerRole.Gateway));
        _world.Kube.GetFailure = null;
        _world.Time.Advance(PeerLease.Duration - PeerDirectory.LookPeriod); // at least so much it had yet
        Assert.Single(_world.Peers.Live(PeerRole.Gateway));
        _world.Time.Advance(PeerLease.Duration);
        Assert.Empty(_world.Peers.Live(PeerRole.Gateway));
    }

    [Fact]
    public async Task Start_WaitsForTheLease_AndFailsWhereItIsForbidden()
    {
        await using var server = await _world.StartAsync();
        _world.Kube.PatchFailure = new ApiException(503, "ServiceUnavailable", "out of reach");
        await using var late = PeerLease.Keep(_world.Kube, PeerRole.Node, "late", server, new Dictionary<string, string>(), _world.Time, NullLogger<PeerLease>.Instance);
        var found = late.WhenFoundAsync(CancellationToken.None);
        Assert.False(found.IsCompleted);
        _world.Kube.PatchFailure = null;
        await _world.Time.AdvanceOnceAsync(PeerLease.RetryPeriod);
        await found.WaitAsync(TimeSpan.FromSeconds(20));

        _world.Kube.PatchFailure = new ApiException(403, "Forbidden", "not you");
        await using var never = PeerLease.Keep(_world.Kube, PeerRole.Node, "never", server, new Dictionary<string, string>(), _world.Time, NullLogger<PeerLease>.Instance);
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => never.WhenFoundAsync(CancellationToken.None));
        Assert.Equal("the lease kube-node-lease/never, by which others find this process, may not be written: not you", refusal.Message);
    }

    [Fact]
    public async Task Lease_OfOneThatLeaves_SaysSo_AndIsKept()
    {
        await using var server = await _world.StartAsync();
        var facts = new Dictionary<string, string> { [PeerFacts.GatewayHttp] = "10.0.0.1:80" };
        var lease = PeerLease.Keep(_world.Kube, PeerRole.Gateway, "one", server, facts, _world.Time, NullLogger<PeerLease>.Instance);
        Assert.Equal("", Assert.Single(_world.Peers.Live(PeerRole.Gateway)).Fact(PeerFacts.Leaving));
        await lease.LeaveAsync();
        var peer = Assert.Single(_world.Peers.Live(PeerRole.Gateway));
        Assert.Equal(("true", "10.0.0.1:80"), (peer.Fact(PeerFacts.Leaving), peer.Fact(PeerFacts.GatewayHttp)));
        for (var i = 0; i < 5; i++)
        {
            await _world.Time.AdvanceOnceAsync(PeerLease.RenewPeriod);
        }
        Assert.Single(_world.Peers.Live(PeerRole.Gateway));
        await lease.DisposeAsync();
        Assert.Empty(_world.Peers.Live(PeerRole.Gateway));
    }

    [Fact]
    public async Task Leaving_EndsThoughItCannotBeSaid()
    {
        _world.Kube.PatchFailure = new ApiException(503, "ServiceUnavailable", "out of reach");
        await using var server = await _world.StartAsync();
        await using var lease = PeerLease.Keep(_world.Kube, PeerRole.Gateway, "one", server, new Dictionary<string, string>(), _world.Time, NullLogger<PeerLease>.Instance);
        await lease.LeaveAsync().WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Lease_OfAGatewayThatWasKilled_IsDeletedAfterAnHour()
    {
        var theirs = new ManualTime(); // stands still
        await using var server = await _world.StartAsync();
        var gone = PeerLease.Keep(_world.Kube, PeerRole.Gateway, "gone", server, new Dictionary<string, string>(), theirs, NullLogger<PeerLease>.Instance);
        await using var node = PeerLease.Keep(_world.Kube, PeerRole.Node, "n1", server, new Dictionary<string, string>(), theirs, NullLogger<PeerLease>.Instance);
        await using var sweeper = new LeaseSweeper(_world.Peers, _world.Kube, _world.Time, NullLogger<LeaseSweeper>.Instance);
        var leases = _world.Kube.Cache(Kinds.Lease);
        for (var now = LeaseSweeper.Period; now < LeaseSweeper.Keep; now += LeaseSweeper.Period)
        {
            await _world.Time.AdvanceOnceAsync(LeaseSweeper.Period);
            Assert.Equal(2, leases.List().Count);
        }
        await _world.Time.AdvanceOnceAsync(LeaseSweeper.Period);
        await Poll.UntilAsync(() => leases.List() is [{ Key.Name: "n1" }]);
        await gone.DisposeAsync();
    }

    [Fact]
    public async Task Lease_ThatCannotBeWritten_IsTriedAgainSoon()
    {
        _world.Kube.PatchFailure = new ApiException(503, "ServiceUnavailable", "out of reach");
        await _world.ServeAsync(PeerRole.Gateway, "one");
        await _world.Time.AdvanceOnceAsync(PeerLease.RetryPeriod);
        Assert.Empty(_world.Peers.Live(PeerRole.Gateway));
        _world.Kube.PatchFailure = null;
        await _world.Time.AdvanceOnceAsync(PeerLease.RetryPeriod);
        Assert.Single(_world.Peers.Live(PeerRole.Gateway));
    }

    [Fact]
    public async Task Lease_TellsOtherFactsAtOnce()
    {
        await using var server = await _world.StartAsync();
        await using var lease = PeerLease.Keep(
            _world.Kube, PeerRole.Gateway, "one", server, new Dictionary<string, string> { [PeerFacts.GatewayHttp] = "10.0.0.1:80" }, _world.Time, NullLogger<PeerLease>.Instance);
        lease.Tell(new Dictionary<string, string> { [PeerFacts.GatewayInside] = "10.9.0.1:80" });
        await Poll.UntilAsync(() => _world.Peers.Find(PeerRole.Gateway, "one")?.Fact(PeerFacts.GatewayInside) == "10.9.0.1:80");
        Assert.Equal("", _world.Peers.Find(PeerRole.Gateway, "one")!.Fact(PeerFacts.GatewayHttp));
    }

    [Fact]
    public async Task Lease_OfAnotherOfTheSameName_StaysWhenThisOneEnds()
    {
        var first = await _world.ServeAsync(PeerRole.Node, "n1");
        var second = await _world.ServeAsync(PeerRole.Node, "n1");
        await Poll.UntilAsync(() => _world.Peers.Find(PeerRole.Node, "n1")?.Certificate == second.Server.Certificate);
        await first.DisposeAsync();
        Assert.Equal(second.Server.Certificate, _world.Peers.Find(PeerRole.Node, "n1")?.Certificate);
    }

    [Fact]
    public async Task Name_IsTaken_WhileOneAnswersToIt()
    {
        await PeerName.RequireFreeAsync(_world.Kube, PeerRole.Node, "n1", _world.Time, CancellationToken.None);
        var first = await _world.ServeAsync(PeerRole.Node, "n1");
        await Poll.UntilAsync(() => _world.Peers.Find(PeerRole.Node, "n1") is not null);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => PeerName.RequireFreeAsync(_world.Kube, PeerRole.Node, "n1", _world.Time, CancellationToken.None));
        Assert.Equal($"a node of the name n1 already runs at {first.Server.Address.Authority}: stop that one, or give this one another name", refused.Message);
        await PeerName.RequireFreeAsync(_world.Kube, PeerRole.Gateway, "n1", _world.Time, CancellationToken.None);

        await first.KillAsync(); // its Lease stays
        Assert.NotNull(_world.Peers.Find(PeerRole.Node, "n1"));
        await PeerName.RequireFreeAsync(_world.Kube, PeerRole.Node, "n1", _world.Time, CancellationToken.None);
    }

    [Fact]
    public async Task Peer_WithALeaseForCenturies_LapsesWithinTheHour()
    {
        await _world.Kube.CreateAsync(Kinds.Lease, KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes($$$"""
            {"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"n1","namespace":"kube-node-lease","labels":{"serval.dev/signals":"node"},
             "annotations":{"serval.dev/signals-address":"https://10.0.0.1:1","serval.dev/signals-certificate":"{{{new string('a', 64)}}}"}},
             "spec":{"leaseDurationSeconds":2147483647}}
            """)), WriteOptions.By("test"));
        Assert.Single(_world.Peers.Live(PeerRole.Node));
        _world.Time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(_world.Peers.Live(PeerRole.Node));
    }

    [Fact]
    public async Task Peer_ThatStartsAnew_IsAnother()
    {
        await using var first = await _world.StartAsync();
        var lease = PeerLease.Keep(
            _world.Kube, PeerRole.Node, "n1", first, new Dictionary<string, string> { [PeerFacts.PodCidr] = "10.9.0.0/16" }, _world.Time, NullLogger<PeerLease>.Instance);
        var before = _world.Peers.Find(PeerRole.Node, "n1")!;
        await _world.ServeAsync(PeerRole.Node, "n1");
        var after = _world.Peers.Find(PeerRole.Node, "n1")!;
        Assert.NotEqual(before.Certificate, after.Certificate);
        Assert.Equal(("10.9.0.0/16", ""), (before.Fact(PeerFacts.PodCidr), after.Fact(PeerFacts.PodCidr)));
        await lease.DisposeAsync();
    }

    /// <summary>Whoever may write Leases elsewhere, or anything into them, draws no tokens to himself.</summary>
    [Theory]
    [InlineData("default", "serval-gateway-x", "gateway", "https://10.0.0.1:1", "")]
    [InlineData("knative-serving", "x", "gateway", "https://10.0.0.1:1", "")]
    [InlineData("knative-serving", "serval-gateway-", "gateway", "https://10.0.0.1:1", "")]
    [InlineData("default", "n1", "node", "https://10.0.0.1:1", "")]
    [InlineData("kube-node-lease", "n1", "gateway", "https://10.0.0.1:1", "")]
    [InlineData("kube-node-lease", "n1", "printer", "https://10.0.0.1:1", "")]
    [InlineData("kube-node-lease", "n1", "node", "http://10.0.0.1:1", "")]
    [InlineData("kube-node-lease", "n1", "node", "https://a@10.0.0.1:1", "")]
    [InlineData("kube-node-lease", "n1", "node", "https://10.0.0.1:1/path", "")]
    [InlineData("kube-node-lease", "n1", "node", "10.0.0.1:1", "")]
    [InlineData("kube-node-lease", "n1", "node", "https://10.0.0.1:1", "AB")]
    public async Task Lease_ThatIsNoPeers_IsPassedOver(string ns, string name, string role, string address, string certificate)
    {
        var lease = KubeObject.From(new System.Text.Json.Nodes.JsonObject
        {
            ["apiVersion"] = "coordination.k8s.io/v1", ["kind"] = "Lease",
            ["metadata"] = new System.Text.Json.Nodes.JsonObject
            {
                ["namespace"] = ns, ["name"] = name, ["labels"] = new System.Text.Json.Nodes.JsonObject { ["serval.dev/signals"] = role },
                ["annotations"] = new System.Text.Json.Nodes.JsonObject
                {
                    ["serval.dev/signals-address"] = address, ["serval.dev/signals-certificate"] = certificate.PadRight(64, 'a'),
                },
            },
            ["spec"] = new System.Text.Json.Nodes.JsonObject { ["leaseDurationSeconds"] = "soon" },
        });
        await _world.Kube.CreateAsync(Kinds.Lease, lease, new WriteOptions());
        Assert.Empty(_world.Peers.Live(PeerRole.Gateway));
        Assert.Empty(_world.Peers.Live(PeerRole.Node));
    }
}
