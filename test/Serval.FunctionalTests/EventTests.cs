using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>What happened, as kubectl shows it.</summary>
public sealed class EventTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Events = "/api/v1/events";

    private Testing.Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task Deploy_IsToldOnEveryObject()
    {
        await fixture.ServiceAsync("told");
        await ToldAsync("RevisionReady", "told-00001");
        await ToldAsync("Created", "told", "Created Ingress");
        await ToldAsync("Started", "told-00001-deployment");

        var pod = await Kubectl.OkAsync("describe", "pod", "-l", "serving.knative.dev/service=told");
        Assert.Matches("Normal +Scheduled +[0-9a-z]+ +default-scheduler +Successfully assigned default/told-00001-deployment-", pod);
        Assert.Matches("Normal +Pulled +[0-9a-z]+ +kubelet +Container image \"dev.local/bb@sha256:[0-9a-f]{64}\" already present on machine", pod);
        Assert.Matches("Normal +Created +[0-9a-z]+ +kubelet +Created container: user-container", pod);
        Assert.Matches("Normal +Started +[0-9a-z]+ +kubelet +Started container user-container", pod);
        Assert.Matches(
            "Normal +ScalingReplicaSet +[0-9a-z]+ +deployment-controller +Scaled up replica set told-00001-deployment-[a-z0-9]+ from 0 to 1",
            await Kubectl.OkAsync("describe", "deployment", "told-00001-deployment"));
        Assert.Matches(
            "Normal +SuccessfulCreate +[0-9a-z]+ +replicaset-controller +Created pod: told-00001-deployment-",
            await Kubectl.OkAsync("describe", "rs", "-l", "serving.knative.dev/service=told"));
        Assert.Matches("Normal +Created +[0-9a-z]+ +service-controller +Created Configuration \"told\"", await Kubectl.OkAsync("describe", "ksvc", "told"));
        Assert.Contains("LatestReadyRevisionName updated to \"told-00001\"", await Kubectl.OkAsync("describe", "configuration", "told"), StringComparison.Ordinal);
        Assert.Contains("Revision becomes ready", await Kubectl.OkAsync("events", "--for", "revision/told-00001"), StringComparison.Ordinal);

        var table = await Kubectl.OkAsync("get", "events");
        Assert.Matches("^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n", table);
        Assert.Matches("[0-9]+[a-z]+ +Normal +Created +route/told +Created placeholder service \"told\"", table);
        var selected = await Kubectl.OkAsync("get", "events", "--field-selector", "involvedObject.kind=Route,involvedObject.name=told,type=Normal", "-o", "name");
        Assert.Equal(2, selected.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.DoesNotContain("deployment/", await Kubectl.OkAsync("get", "events", "--field-selector", "source=kubelet"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Program_ThatEnds_IsToldAsBackOff_AndCounted()
    {
        await Kubectl.ApplyAsync(Manifests.Service("ends", args: """["sh", "-c", "exit 1"]"""));
        await ToldAsync("BackOff", "ends-00001-deployment");
        await ToldAsync("LatestCreatedFailed", "ends");
        var pod = await Kubectl.OkAsync("describe", "pod", "-l", "serving.knative.dev/service=ends");
        Assert.Matches("Warning +BackOff +[0-9a-z]+ +kubelet +Back-off restarting failed container user-container in pod ends-00001-deployment-", pod);
        Assert.Matches(@"Normal +Started +[0-9a-z]+ \(x2 over [0-9a-z]+\) +kubelet +Started container user-container", pod);
        Assert.Contains("Latest created revision \"ends-00001\" has failed", await Kubectl.OkAsync("get", "events", "--field-selector", "type=Warning"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_ThatIsMissing_IsToldOnRevisionAndPod()
    {
        await Kubectl.ApplyAsync(Manifests.Service("imageless", image: "dev.local/absent:1"));
        await ToldAsync("InternalError", "imageless-00001");
        Assert.Matches(
            "Warning +InternalError +.+revision-controller +Unable to fetch image \"dev.local/absent:1\"", await Kubectl.OkAsync("describe", "revision", "imageless-00001"));

        await Kubectl.ApplyAsync(Pod("imageless"));
        await ToldAsync("Failed", "imageless", "Error: ImagePullBackOff");
        var pod = await Kubectl.OkAsync("describe", "pod", "imageless");
        Assert.Matches("Warning +Failed +[0-9a-z]+.* +kubelet +Failed to pull image \"dev.local/absent:1\": ", pod);
        Assert.Matches("Normal +BackOff +[0-9a-z]+.* +kubelet +Back-off pulling image \"dev.local/absent:1\"", pod);
    }

    [Fact]
    public async Task Namespace_Deleted_LeavesNoEvents()
    {
        await Kubectl.ApplyAsync("""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "short"}}""");
        await Kubectl.ApplyAsync(Manifests.Deployment("inside", "short"));
        await ToldAsync("Started", "inside-");
        await Kubectl.OkAsync("delete", "ns", "short", "--timeout=60s");

        await Kubectl.ApplyAsync(Pod("later")); // events are written in the order they happened: with its own, those of the deletion have had their turn
        await ToldAsync("Failed", "later");
        Assert.DoesNotContain("short", await Kubectl.OkAsync("get", "events", "-A", "--no-headers", "-o", "custom-columns=NS:.metadata.namespace"), StringComparison.Ordinal);
        Assert.DoesNotContain("Events could not be written", fixture.Serval.Errors, StringComparison.Ordinal);
    }

    private static string Pod(string name) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{name}}}
        spec:
          containers:
          - {name: main, image: "dev.local/absent:1"}
        """;

    /// <summary>Waits for an event with this reason about an object whose name begins so.</summary>
    private Task ToldAsync(string reason, string name, string message = "") => fixture.UntilAsync(Events, e =>
        Text(e, "reason") == reason && Text(e["involvedObject"]!, "name").StartsWith(name, StringComparison.Ordinal)
        && Text(e, "message").StartsWith(message, StringComparison.Ordinal));

    private static string Text(JsonNode node, string field) => (string?)node[field] ?? "";
}
