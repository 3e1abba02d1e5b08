using System.Reflection;
using Serval.Api;
using Serval.Kube.Remote;

namespace Serval.Kube.Tests.Remote;

/// <summary>What a cache does when its client misbehaves. The facts over a true server are in Serval.StoreConformance.</summary>
public sealed class InformerTests
{
    [Fact]
    public async Task Run_ClientFailsAsNobodyExpected_IsLoggedAndListedAgain()
    {
        var time = new ManualTime();
        var log = new LogLines<Informer>();
        using var stop = new CancellationTokenSource();
        var informer = new Informer(DispatchProxy.Create<IKubeClient, FailsOnce>(), Kinds.ConfigMap, time, new Jitter(new Random(1)), log);
        var running = informer.RunAsync(stop.Token);
        await Poll.UntilAsync(() => time.Armed == 1 || running.IsCompleted);
        Assert.False(running.IsCompleted);
        Assert.Equal("Warning: configmaps cannot be followed and will be listed again: unforeseen: unforeseen", Assert.Single(log.Lines));

        time.Advance(TimeSpan.FromMinutes(1));

        await informer.WaitForSyncAsync(stop.Token);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Kind_ThatIsForbidden_IsNotWaitedFor()
    {
        var client = DispatchProxy.Create<IKubeClient, Lists>();
        ((Lists)client).Failure = new ApiException(403, "Forbidden", "configmaps is forbidden: not for you");
        var informer = new Informer(client, Kinds.ConfigMap, new ManualTime(), new Jitter(new Random(1)), new LogLines<Informer>());
        using var stop = new CancellationTokenSource();
        var running = informer.RunAsync(stop.Token);
        var refused = await Assert.ThrowsAsync<ApiException>(() => informer.WaitForSyncAsync().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal((403, "configmaps is forbidden: not for you"), (refused.Code, refused.Message));
        await stop.CancelAsync();
        await running;
    }

    /// <summary>A server that fell may have lost what it had answered: its next list says so, with a version beyond all that it may have handed out.</summary>
    [Fact]
    public async Task List_AfterTheServerLostAWrite_IsBelieved_ButNotAgainstANewerOne()
    {
        var client = DispatchProxy.Create<IKubeClient, Lists>();
        var lists = (Lists)client;
        var informer = new Informer(client, Kinds.ConfigMap, new ManualTime(), new Jitter(new Random(1)), new LogLines<Informer>());
        lists.Next = new KubeList(5, [Map("a", 5), Map("b", 4)]);
        await informer.ListAsync(CancellationToken.None);
        await informer.WroteAsync(Map("a", 7), CancellationToken.None);
        lists.Next = new KubeList(1000, [Map("a", 5), Map("b", 4)]);
        await informer.ListAsync(CancellationToken.None);
        Assert.Equal(["5", "4"], informer.List().OrderBy(o => o.Metadata.Name).Select(o => o.Metadata.ResourceVersion));
        await informer.WroteAsync(Map("a", 1005), CancellationToken.None);
        lists.Next = new KubeList(1004, [Map("a", 1002), Map("b", 4)]);
        await informer.ListAsync(CancellationToken.None);
        Assert.Equal("1005", informer.Get(new ObjectKey("ns", "a"))!.Metadata.ResourceVersion);
    }

    [Fact]
    public async Task End_TakesEverythingOut_AndNothingComesBack()
    {
        var client = DispatchProxy.Create<IKubeClient, Lists>();
        ((Lists)client).Next = new KubeList(5, [Map("a", 5)]);
        var informer = new Informer(client, Kinds.ConfigMap, new ManualTime(), new Jitter(new Random(1)), new LogLines<Informer>());
        var told = new List<string>();
        using var subscription = informer.Subscribe(c => told.Add($"{c.Type} {c.New.Metadata.Name}"));
        var running = informer.RunAsync(CancellationToken.None);
        await informer.WaitForSyncAsync();
        informer.End();
        await running;
        await informer.ListAsync(CancellationToken.None);
        Assert.Equal(["Added a", "Deleted a"], told);
        Assert.Empty(informer.List());
    }

    private static KubeObject Map(string name, int version) => KubeObject.Parse(System.Text.Encoding.UTF8.GetBytes(
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}","namespace":"ns","uid":"{{{name}}}","resourceVersion":"{{{version}}}"}}"""));

    /// <summary>Lists say what they are told to; watches bring nothing.</summary>
    public class Lists : DispatchProxy
    {
        public KubeList Next { get; set; } = new(1, []);

        public Exception? Failure { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name == nameof(IKubeClient.ListAsync)
            ? Failure is null ? Task.FromResult(Next) : throw Failure
            : Nothing((CancellationToken)args![^1]!);
    }

    private static async IAsyncEnumerable<WatchEvent> Nothing([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
        yield break;
    }

    /// <summary>Its first list fails, later ones are empty; watches bring nothing.</summary>
    public class FailsOnce : DispatchProxy
    {
        private int _lists;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(IKubeClient.ListAsync) when ++_lists == 1 => throw new InvalidOperationException("unforeseen"),
            nameof(IKubeClient.ListAsync) => Task.FromResult(new KubeList(1, [])),
            _ => Nothing((CancellationToken)args![^1]!),
        };
    }
}
