namespace Serval.FunctionalTests;

/// <summary>What was acknowledged before a backup of a running server comes back from it, somewhere else.</summary>
public sealed class BackupTests(ServalFixture fixture) : IClassFixture<ServalFixture>, IDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private readonly string _scratch = Directory.CreateTempSubdirectory("serval-backup-").FullName;

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public async Task BackedUpUnderWrites_RestoredElsewhere_ServicesAnswer()
    {
        await fixture.ServiceAsync("treasure", """{"autoscaling.knative.dev/min-scale": "1"}""");
        using var enough = new CancellationTokenSource();
        var some = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var acknowledged = 0;
        var writers = Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                await fixture.Serval.Api.PostAsync(ConfigMaps, $$$"""{"metadata": {"name": "w{{{w}}}-{{{i}}}"}}""");
                if (Interlocked.Increment(ref acknowledged) == 200)
                {
                    some.TrySetResult();
                }
            }
        })).ToArray();
        await Task.WhenAny([some.Task, .. writers]);
        var least = (await fixture.Serval.Api.GetAsync(ConfigMaps))["items"]!.AsArray().Select(Name).ToHashSet();

        var file = Path.Combine(_scratch, "backup.tar.gz");
        var (code, output, errors) = await fixture.Serval.RunAsync("backup", file);
        Assert.True(code == 0, errors);
        Assert.Contains(file, output, StringComparison.Ordinal);
        await enough.CancelAsync();
        await Task.WhenAll(writers);
        Assert.True(least.Count >= 200, $"{least.Count} objects");

        var elsewhere = Path.Combine(_scratch, "data");
        (code, _, errors) = await ServalProcess.RunAsync(elsewhere, "restore", file);
        Assert.True(code == 0, errors);
        await using var restored = await ServalProcess.UpAsync(elsewhere);
        await restored.AnswersAsync("treasure", 200);
        var there = (await restored.Api.GetAsync(ConfigMaps))["items"]!.AsArray().Select(Name);
        Assert.Empty(least.Except(there));
        Assert.Equal(0, await restored.StopAsync());
        ServalFixture.NoComplaints(restored.Errors);
        Assert.Equal(200, (await fixture.Serval.InvokeAsync("treasure")).Code); // the one that was backed up goes on
    }

    /// <summary>Pods are bound to the node of the machine that was: they run where the backup went.</summary>
    [MountFact]
    [AllInOneOnly("a node apart has the name it is given; pods of one that is not there are replaced after 40 s")]
    public async Task RestoredOnAMachineOfAnotherName_ServicesAnswer()
    {
        await fixture.ServiceAsync("traveller", """{"autoscaling.knative.dev/min-scale": "1"}""");
        var (file, elsewhere) = (Path.Combine(_scratch, "backup.tar"), Path.Combine(_scratch, "data"));
        Assert.Equal(0, (await fixture.Serval.RunAsync("backup", file)).Code);
        Assert.Equal(0, (await ServalProcess.RunAsync(elsewhere, "restore", file)).Code);
        await using var restored = await ServalProcess.UpAsync(elsewhere, default, "unshare", "--uts", "sh", "-c", "hostname elsewhere && exec \"$@\"", "sh");
        await restored.AnswersAsync("traveller", 200);
        var node = Name(Assert.Single((await restored.Api.GetAsync("/api/v1/nodes"))["items"]!.AsArray()));
        Assert.All((await restored.Api.GetAsync("/api/v1/pods"))["items"]!.AsArray(), p => Assert.Equal(node, (string?)p!["spec"]!["nodeName"]));
        Assert.Equal(0, await restored.StopAsync());
        ServalFixture.NoComplaints(restored.Errors);
    }

    private static string Name(System.Text.Json.Nodes.JsonNode? obj) => obj!["metadata"]!["name"]!.GetValue<string>();
}
