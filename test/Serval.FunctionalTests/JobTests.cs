namespace Serval.FunctionalTests;

/// <summary>Jobs with an unmodified kubectl: made, waited for, read, failed, suspended, deleted.</summary>
public sealed class JobTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private Testing.Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task Create_AndWait_ReadsItsLogs()
    {
        await Kubectl.OkAsync("create", "job", "hello", "--image=dev.local/bb:1", "--", "./busybox", "echo", "done it");
        await Kubectl.OkAsync("wait", "--for=condition=complete", "job/hello", "--timeout=60s");
        Assert.Contains("done it", await Kubectl.OkAsync("logs", "job/hello"), StringComparison.Ordinal);
        Assert.Matches("hello +Complete +1/1", await Kubectl.OkAsync("get", "job", "hello"));
        await fixture.UntilAsync("/api/v1/events", e => (string?)e["message"] == "Job completed"); // told after the condition, as upstream's
        Assert.Contains("Job completed", await Kubectl.OkAsync("describe", "job", "hello"), StringComparison.Ordinal);
        await Kubectl.OkAsync("delete", "job", "hello");
        await Kubectl.OkAsync("wait", "--for=delete", "pod", "-l", "job-name=hello", "--timeout=60s");
    }

    [Fact]
    public async Task Indexed_RunsEachIndexOnce()
    {
        await Kubectl.ApplyAsync(Job("many", "completions: 4, parallelism: 2, completionMode: Indexed", "echo index-$JOB_COMPLETION_INDEX"));
        await Kubectl.OkAsync("wait", "--for=condition=complete", "job/many", "--timeout=60s");
        Assert.Equal("4 0-3", await Kubectl.OkAsync("get", "job", "many", "-o", "jsonpath={.status.succeeded} {.status.completedIndexes}"));
        Assert.Contains("index-3", await Kubectl.OkAsync("logs", "-l", "batch.kubernetes.io/job-completion-index=3"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failing_IsFailed_AndGoesWhenItsTimeHasCome()
    {
        await Kubectl.ApplyAsync(Job("bad", "backoffLimit: 0, ttlSecondsAfterFinished: 3", "exit 3"));
        await Kubectl.OkAsync("wait", "--for=condition=failed", "job/bad", "--timeout=60s");
        Assert.Equal("BackoffLimitExceeded", await Kubectl.OkAsync("get", "job", "bad", "-o", "jsonpath={.status.conditions[?(@.type=='Failed')].reason}"));
        await Kubectl.OkAsync("wait", "--for=delete", "job/bad", "--timeout=60s");
    }

    [Fact]
    public async Task Suspended_RunsWhenItIsResumed()
    {
        await Kubectl.ApplyAsync(Job("later", "suspend: true", "echo now"));
        await Kubectl.OkAsync("wait", "--for=condition=suspended", "job/later", "--timeout=60s");
        await Kubectl.OkAsync("patch", "job", "later", "--type=merge", "-p", """{"spec":{"suspend":false}}""");
        await Kubectl.OkAsync("wait", "--for=condition=complete", "job/later", "--timeout=60s");
    }

    [Fact]
    public async Task Wrong_IsRefused()
    {
        var manifest = Job("wrong", "parallelism: 1", "true").Replace("restartPolicy: Never", "restartPolicy: Always", StringComparison.Ordinal);
        Assert.Contains(
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"", await Kubectl.RefusedAsync(manifest, "create", "-f", "-"), StringComparison.Ordinal);
    }

    private static string Job(string name, string spec, string command) => $$"""
        apiVersion: batch/v1
        kind: Job
        metadata: {name: {{name}}}
        spec:
          {{spec.Replace(", ", "\n  ", StringComparison.Ordinal)}}
          template:
            spec:
              restartPolicy: Never
              containers:
              - {name: main, image: "dev.local/bb:1", command: ["./busybox", "sh", "-c", "{{command}}"]}
        """;
}
