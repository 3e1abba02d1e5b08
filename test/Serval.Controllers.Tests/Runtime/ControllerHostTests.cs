using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Controllers.Tests.Autoscaler;
using Serval.Controllers.Tests.TestServices;
using Serval.Kube;

namespace Serval.Controllers.Tests.Runtime;

public sealed class ControllerHostTests
{
    private static readonly Dictionary<string, Exception> s_failures = new()
    {
        ["refusal"] = new ApiException(503, "ServiceUnavailable", "no"),
        ["disk"] = new IOException("no"),
        ["owner"] = new OwnerConflictException(Kinds.ConfigMap, new ObjectKey("n1", "a"), null),
        ["defect"] = new InvalidOperationException("no"),
        ["missing"] = new KeyNotFoundException("no"),
    };

    /// <summary>Whoever scans logs for errors must find defects there, and only them.</summary>
    [Theory]
    [InlineData("refusal", LogLevel.Warning)]
    [InlineData("disk", LogLevel.Warning)]
    [InlineData("owner", LogLevel.Warning)]
    [InlineData("defect", LogLevel.Error)]
    [InlineData("missing", LogLevel.Error)]
    public async Task FailedRun_IsAWarning_AndADefectAnError(string failure, LogLevel expected)
    {
        var time = new ManualTime();
        var client = new FakeKubeClient(time);
        var log = new LogLines<ControllerHost>();
        await client.CreateAsync(Kinds.ConfigMap, KubeObject.Parse("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n1"} }"""u8.ToArray()), WriteOptions.By("test"));
        await using var host = new ControllerHost(client, time, log).Add(new Failing(s_failures[failure]));
        await host.StartAsync(CancellationToken.None);
        while (host.Pending > time.Armed)
        {
            await Task.Yield();
        }
        Assert.Equal($"{expected}: failing n1/a: failed, will be tried again: {s_failures[failure].Message}", Assert.Single(log.Lines));
    }

    private sealed class Failing(Exception failure) : IReconciler
    {
        public string Name => "failing";

        public ResourceKind Kind => Kinds.ConfigMap;

        public Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct) => throw failure;
    }
}
