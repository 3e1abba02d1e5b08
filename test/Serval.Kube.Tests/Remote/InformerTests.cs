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

        private static async IAsyncEnumerable<WatchEvent> Nothing([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ct);
            yield break;
        }
    }
}
