namespace Serval.FunctionalTests;

/// <summary>Kinds that a user defines, through kubectl.</summary>
public sealed class CustomResourceTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private Testing.Kubectl Kubectl => fixture.Kubectl;

    [Fact]
    public async Task ADefinedKind_IsAKindLikeOthers()
    {
        await DefineAsync("crontabs", "CronTab", "ct");
        Assert.Contains("created", await Kubectl.ApplyAsync(Instance("a", "cronSpec: '* * * * */5', replicas: 2")), StringComparison.Ordinal);
        Assert.Contains("unchanged", await Kubectl.ApplyAsync(Instance("a", "cronSpec: '* * * * */5', replicas: 2")), StringComparison.Ordinal);
        Assert.Matches(@"NAME +SPEC +REPLICAS +AGE\na +\* \* \* \* \*/5 +2 +\d+s", await Kubectl.OkAsync("get", "ct"));
        Assert.Contains("IMAGE", await Kubectl.OkAsync("get", "crontab", "a", "-o", "wide"), StringComparison.Ordinal);
        Assert.Contains("crontab.stable.example.com/a", await Kubectl.OkAsync("get", "all"), StringComparison.Ordinal);
        Assert.Equal("busybox", await Kubectl.OkAsync("get", "ct", "a", "-o", "jsonpath={.spec.image}"));
        Assert.Contains("apiVersion: stable.example.com/v1beta1", await Kubectl.OkAsync("get", "crontabs.v1beta1.stable.example.com", "a", "-o", "yaml"), StringComparison.Ordinal);

        await Kubectl.OkAsync("scale", "ct", "a", "--replicas=5");
        Assert.Equal("5 2", await Kubectl.OkAsync("get", "ct", "a", "-o", "jsonpath={.spec.replicas} {.metadata.generation}"));
        await Kubectl.OkAsync("patch", "ct", "a", "--subresource=status", "--type=merge", "-p", """{"status":{"replicas":5}}""");
        await Kubectl.OkAsync("wait", "ct/a", "--for=jsonpath={.status.replicas}=5", "--timeout=10s");
        Assert.Contains("What to run and when.", await Kubectl.OkAsync("explain", "ct.spec"), StringComparison.Ordinal);

        Assert.Contains("unknown field \"spec.sise\"", await Kubectl.RefusedAsync(Instance("b", "cronSpec: x, sise: 1"), "apply", "-f", "-"), StringComparison.Ordinal);
        Assert.Contains(
            "spec.replicas in body should be less than or equal to 10", await Kubectl.RefusedAsync(Instance("b", "cronSpec: x, replicas: 11"), "apply", "-f", "-"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADefinition_ThatIsDeleted_TakesItsObjectsWithIt_AlsoAcrossACrash()
    {
        await DefineAsync("holders", "Holder", "hd");
        await Kubectl.ApplyAsync(Instance("free", "cronSpec: x", "Holder"));
        await Kubectl.ApplyAsync(Instance("held", "cronSpec: x", "Holder", "finalizers: [example.com/hold]"));
        // Its names are taken, until their holder goes.
        await Kubectl.ApplyAsync(Definition("waiters", "Holder", "hd"));
        await Kubectl.OkAsync("wait", "crd/waiters.stable.example.com", "--for=condition=NamesAccepted=false", "--timeout=10s");

        await Kubectl.OkAsync("delete", "crd", "holders.stable.example.com", "--wait=false");
        await Kubectl.OkAsync("wait", "crd/holders.stable.example.com", "--for=condition=Terminating", "--timeout=10s");
        await Kubectl.OkAsync("wait", "--for=delete", "holder.stable.example.com/free", "--timeout=10s");
        await fixture.CrashAndRestartAsync();
        Assert.Equal("holder.stable.example.com/held\n", await Kubectl.OkAsync("get", "holders", "-o", "name"));
        Assert.Contains("is terminating", await Kubectl.RefusedAsync(Instance("late", "cronSpec: x", "Holder"), "create", "--validate=false", "-f", "-"), StringComparison.Ordinal);
        await Kubectl.OkAsync("patch", "holder", "held", "--type=merge", "-p", """{"metadata":{"finalizers":null}}""");
        await Kubectl.OkAsync("wait", "--for=delete", "crd/holders.stable.example.com", "--timeout=40s");
        await Kubectl.OkAsync("wait", "crd/waiters.stable.example.com", "--for=condition=established", "--timeout=10s");
        Assert.Contains("NotFound", await Kubectl.RefusedAsync(null, "get", "--raw", "/apis/stable.example.com/v1/holders"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OurOwnDefinitions_AreThere_AndStay()
    {
        Assert.Contains(
            "services.serving.knative.dev", await Kubectl.OkAsync("get", "crd", "-l", "duck.knative.dev/addressable=true", "-o", "name"), StringComparison.Ordinal);
        Assert.Contains("built into Serval", await Kubectl.RefusedAsync(null, "delete", "crd", "services.serving.knative.dev"), StringComparison.Ordinal);
    }

    private async Task DefineAsync(string plural, string kind, string shortName)
    {
        await Kubectl.ApplyAsync(Definition(plural, kind, shortName));
        await Kubectl.OkAsync("wait", "--for=condition=established", $"crd/{plural}.stable.example.com", "--timeout=10s");
    }

    private static string Instance(string name, string spec, string kind = "CronTab", string metadata = "labels: {of: tests}") => $$"""
        apiVersion: stable.example.com/v1
        kind: {{kind}}
        metadata: {name: {{name}}, {{metadata}}}
        spec: { {{spec}} }
        """;

    private static string Definition(string plural, string kind, string shortName) => $$"""
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: {{plural}}.stable.example.com}
        spec:
          group: stable.example.com
          scope: Namespaced
          names: {plural: {{plural}}, kind: {{kind}}, shortNames: [{{shortName}}], categories: [all]}
          versions:
          - name: v1
            served: true
            storage: true
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    description: What to run and when.
                    required: [cronSpec]
                    properties:
                      cronSpec: {type: string}
                      image: {type: string, default: busybox}
                      replicas: {type: integer, minimum: 0, maximum: 10}
                  status:
                    type: object
                    properties:
                      replicas: {type: integer}
            additionalPrinterColumns:
            - {name: Spec, type: string, jsonPath: .spec.cronSpec}
            - {name: Replicas, type: integer, jsonPath: .spec.replicas}
            - {name: Image, type: string, jsonPath: .spec.image, priority: 1}
            - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
            subresources:
              status: {}
              scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
          - name: v1beta1
            served: true
            storage: false
            schema:
              openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
        """;
}
