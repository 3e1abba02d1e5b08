using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Programs that ask Knative's objects who is in a revision's path find what they would there; requests go through the gateway whatever they find.</summary>
public sealed class ActivatorFaceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Revision_AtFirst_IsBackedByTheActivator()
    {
        await fixture.ServiceAsync("backed");

        var activators = await AddressesAsync("knative-serving", "activator-service");
        Assert.Equal([fixture.Serval.PrivateGateway.Address.ToString()], activators);
        await fixture.UntilAsync(Slices("default", "backed-00001"), slice => Addresses(slice).SequenceEqual(activators));
        Assert.Equal("Proxy", await ModeAsync("backed-00001"));
    }

    [Fact]
    public async Task BurstThatFits_ShowsThePods_AndTheGatewayGoesOnServing()
    {
        await fixture.ServiceAsync("direct", """{"autoscaling.knative.dev/target-burst-capacity": "0"}""");

        var pods = "";
        await fixture.UntilAsync(Slices("default", "direct-00001-private"), slice => (pods = string.Join(' ', Addresses(slice))).Length > 0);
        await fixture.UntilAsync(Slices("default", "direct-00001"), slice => string.Join(' ', Addresses(slice)) == pods && Port(slice) != fixture.Serval.PrivateGateway.Port);
        await fixture.AnswersAsync("direct", 200);

        await fixture.Kubectl.OkAsync("wait", "serverlessservices.networking.internal.knative.dev/direct-00001", "--for=condition=ActivatorEndpointsPopulated=False", "--timeout=30s");
    }

    [Fact]
    public async Task BurstCapacityOfTheCluster_HoldsWhereARevisionSaysNone()
    {
        await SetBurstAsync("0");
        try
        {
            await fixture.ServiceAsync("follows");
            await fixture.ServiceAsync("insists", """{"autoscaling.knative.dev/target-burst-capacity": "-1"}""");
            await fixture.UntilAsync(Modes("follows-00001"), sks => (string?)sks["spec"]!["mode"] == "Serve");
            Assert.Equal("Proxy", await ModeAsync("insists-00001"));
        }
        finally
        {
            await SetBurstAsync("211");
        }
        await fixture.UntilAsync(Modes("follows-00001"), sks => (string?)sks["spec"]!["mode"] == "Proxy");
    }

    private Task SetBurstAsync(string capacity) => fixture.Kubectl.OkAsync(
        "patch", "configmap", "config-autoscaler", "-n", "knative-serving", "--type=merge", "-p", $$"""{"data":{"target-burst-capacity":"{{capacity}}"} }""");

    private Task<string> ModeAsync(string revision) =>
        fixture.Kubectl.OkAsync("get", "serverlessservices.networking.internal.knative.dev", revision, "-o", "jsonpath={.spec.mode}");

    private static string Modes(string revision) =>
        $"/apis/networking.internal.knative.dev/v1alpha1/namespaces/default/serverlessservices?fieldSelector=metadata.name={revision}";

    private static string Slices(string ns, string service) =>
        $"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices?labelSelector=kubernetes.io/service-name={service}";

    private static IEnumerable<string> Addresses(JsonObject slice) => slice["endpoints"]!.AsArray().Select(e => (string)e!["addresses"]![0]!);

    private static long Port(JsonObject slice) => (long)slice["ports"]![0]!["port"]!;

    private async Task<IEnumerable<string>> AddressesAsync(string ns, string service)
    {
        IEnumerable<string> found = [];
        await fixture.UntilAsync(Slices(ns, service), slice => (found = Addresses(slice)).Any());
        return found;
    }
}
