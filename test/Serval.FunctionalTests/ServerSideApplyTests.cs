namespace Serval.FunctionalTests;

/// <summary><c>kubectl apply --server-side</c> as people use it.</summary>
public sealed class ServerSideApplyTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Managers = "jsonpath={range .metadata.managedFields[*]}{.manager} {.operation} {.subresource}{\"\\n\"}{end}";

    private Testing.Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task Apply_OfEveryKindOfManifest_IsServerSideApplied()
    {
        foreach (var (manifest, name) in new[]
        {
            (Manifests.ConfigMap("ssa"), "configmap/ssa"), (Manifests.Deployment("ssa"), "deployment.apps/ssa"), (Manifests.Service("ssa"), "service.serving.knative.dev/ssa"),
        })
        {
            Assert.Equal($"{name} serverside-applied\n", await Kubectl.ApplyAsync(manifest, "--server-side"));
            var version = await Kubectl.OkAsync("get", name, "-o", "jsonpath={.metadata.generation}");
            Assert.Equal($"{name} serverside-applied\n", await Kubectl.ApplyAsync(manifest, "--server-side"));
            Assert.Equal(version, await Kubectl.OkAsync("get", name, "-o", "jsonpath={.metadata.generation}"));
            Assert.StartsWith("kubectl Apply", await Kubectl.OkAsync("get", name, "-o", Managers), StringComparison.Ordinal);
        }
        await Kubectl.OkAsync("wait", "--for=condition=Ready", "ksvc/ssa", "--timeout=60s");
        Assert.DoesNotContain("managedFields", await Kubectl.OkAsync("get", "ksvc", "ssa", "-o", "yaml"), StringComparison.Ordinal);
        Assert.Contains("managedFields", await Kubectl.OkAsync("get", "ksvc", "ssa", "-o", "yaml", "--show-managed-fields"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_OverAnothersField_SaysTheConflict_AndForceTakesIt()
    {
        await Kubectl.ApplyAsync(Manifests.ConfigMap("taken"), "--server-side", "--field-manager=first");
        var refused = await Kubectl.RefusedAsync(Manifests.ConfigMap("taken", """{"a": "2"}"""), "apply", "-f", "-", "--server-side");
        Assert.Contains("error: Apply failed with 1 conflict: conflict with \"first\": .data.a", refused, StringComparison.Ordinal);
        Assert.Contains("--force-conflicts", refused, StringComparison.Ordinal);
        Assert.Contains("serverside-applied", await Kubectl.ApplyAsync(Manifests.ConfigMap("taken", """{"a": "2"}"""), "--server-side", "--force-conflicts"), StringComparison.Ordinal);
        Assert.Equal("kubectl Apply \n", await Kubectl.OkAsync("get", "cm", "taken", "-o", Managers));
    }

    [Fact]
    public async Task Apply_AfterClientSideApply_TakesOverAndPrunes()
    {
        await Kubectl.ApplyAsync(Manifests.ConfigMap("moved", """{"a": "1", "b": "1"}"""));
        Assert.StartsWith("kubectl-client-side-apply Update", await Kubectl.OkAsync("get", "cm", "moved", "-o", Managers), StringComparison.Ordinal);
        Assert.Contains("serverside-applied", await Kubectl.ApplyAsync(Manifests.ConfigMap("moved", """{"a": "2"}"""), "--server-side"), StringComparison.Ordinal);
        Assert.Equal("kubectl Apply \nkubectl-last-applied Apply \n", await Kubectl.OkAsync("get", "cm", "moved", "-o", Managers)); // the second owns the annotation
        Assert.Equal("{\"a\":\"2\"}", await Kubectl.OkAsync("get", "cm", "moved", "-o", "jsonpath={.data}"));
        Assert.Contains("configured", await Kubectl.ApplyAsync(Manifests.ConfigMap("moved", """{"a": "3"}""")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apply_OfStatus_AndDiff_AndDryRun_Work()
    {
        await Kubectl.ApplyAsync(Manifests.ConfigMap("dry"), "--server-side");
        Assert.Equal("configmap/dry serverside-applied (server dry run)\n", await Kubectl.ApplyAsync(Manifests.ConfigMap("dry", """{"a": "9"}"""), "--server-side", "--dry-run=server"));
        Assert.Equal("1", await Kubectl.OkAsync("get", "cm", "dry", "-o", "jsonpath={.data.a}"));
        var (code, output, errors) = await Kubectl.RunAsync(Manifests.ConfigMap("dry", """{"a": "9"}"""), "diff", "--server-side", "-f", "-");
        Assert.True(code == 1 && output.Contains("+  a: \"9\"", StringComparison.Ordinal), output + errors);

        await Kubectl.ApplyAsync(Manifests.Deployment("dry"), "--server-side");
        Assert.Equal("deployment.apps/dry serverside-applied\n", await Kubectl.ApplyAsync("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: dry}
            status: {collisionCount: 3}
            """, "--server-side", "--subresource=status", "--field-manager=other"));
    }

    [Fact]
    public async Task Apply_OfAnUnknownField_IsRefused()
    {
        var refused = await Kubectl.RefusedAsync(Manifests.ConfigMap("wrong") + "\nwhat: 1\n", "apply", "-f", "-", "--server-side", "--validate=false");
        Assert.Contains(".what: field not declared in schema", refused, StringComparison.Ordinal);
    }
}
