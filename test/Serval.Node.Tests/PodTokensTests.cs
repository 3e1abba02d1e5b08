using System.Text.Json.Nodes;
using System.Threading.Channels;
using Serval.Api;
using Serval.Kube.Tokens;

namespace Serval.Node.Tests;

/// <summary>Tokens that come from elsewhere, later or never (kubernetes pkg/kubelet/token/token_manager.go).</summary>
public sealed class PodTokensTests
{
    [PrivilegedFact]
    public async Task Token_FromElsewhere_IsWaitedFor_AndRenewedInTime()
    {
        var time = new ManualTime();
        var tokens = new Elsewhere(time);
        await using var node = await StartAsync(time, tokens);

        var first = await tokens.NextAsync();
        Assert.Empty(node.Signals);
        first.SetResult("first");
        await node.WhenAsync(p => p.Status.ContainerStatuses is [{ State.Running: not null }]);
        await node.LogAsync("first\n");
        time.Advance(TimeSpan.FromSeconds(480));
        (await tokens.NextAsync()).SetException(new ApiException(503, "ServiceUnavailable", "not now")); // the one before is good still
        await time.AdvanceOnceAsync(TimeSpan.FromSeconds(10));
        (await tokens.NextAsync()).SetResult("second");

        Assert.Equal("first\nsecond\n", await node.LogAsync("second\n"));
        Assert.Equal(new Asked(new TokenAccount("default", "robot", "u-7"), "p1", "node-1", "api", TimeSpan.FromSeconds(600)), tokens.Last);
    }

    [PrivilegedFact]
    public async Task Token_ThatIsRefused_IsWhyThePodWaits()
    {
        var tokens = new Elsewhere(TimeProvider.System);
        await using var node = await StartAsync(TimeProvider.System, tokens);

        (await tokens.NextAsync()).SetException(new ApiException(403, "Forbidden", "serviceaccounts \"robot\" is forbidden"));

        await node.WhenAsync(p => p.Status.ContainerStatuses is
            [{ State.Waiting: { Reason: "CreateContainerConfigError", Message: "failed to fetch token: serviceaccounts \"robot\" is forbidden" } }]);
    }

    private static async Task<TestNode> StartAsync(TimeProvider time, IPodTokens tokens)
    {
        var node = await TestNode.StartAsync(time, tokens: tokens);
        await node.CreateAsync(Kinds.ServiceAccount, """{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"robot","namespace":"default","uid":"u-7"}}""");
        await node.CreateAsync(TestNode.Shell(
            "seen=; while :; do now=$(cat /token-test/t); [ \"$now\" = \"$seen\" ] || echo $now; seen=$now; sleep 0.05; done",
            c => c["volumeMounts"] = JsonNode.Parse("""[{"name":"v","mountPath":"/token-test"}]"""),
            p =>
            {
                p["spec"]!["serviceAccountName"] = "robot";
                p["spec"]!["volumes"] = JsonNode.Parse("""[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t","audience":"api","expirationSeconds":600}}]}}]""");
            }));
        return node;
    }

    private sealed record Asked(TokenAccount Account, string Pod, string Node, string Audience, TimeSpan Lifetime);

    private sealed class Elsewhere(TimeProvider time) : IPodTokens
    {
        private readonly Channel<TaskCompletionSource<string>> _asked = Channel.CreateUnbounded<TaskCompletionSource<string>>();

        public Asked? Last { get; private set; }

        public async ValueTask<SignedToken> IssueAsync(TokenAccount account, BoundPod pod, string audience, TimeSpan lifetime, CancellationToken ct)
        {
            Last = new Asked(account, pod.Name, pod.Node, audience, lifetime);
            var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _asked.Writer.TryWrite(answer);
            var text = await answer.Task;
            return new SignedToken(text, time.GetUtcNow(), time.GetUtcNow() + lifetime);
        }

        public async Task<TaskCompletionSource<string>> NextAsync() => await _asked.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
    }
}
