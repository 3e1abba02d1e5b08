using System.Text.Json.Nodes;
using Serval.Kn;

namespace Serval.Tests.Kn;

public sealed class ServiceExportTests
{
    private const string Service = """
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          {name: x, namespace: n, uid: u, resourceVersion: '7', generation: 3, labels: {a: b}, annotations: {serving.knative.dev/creator: me, serving.knative.dev/lastModifier: me, kubectl.kubernetes.io/last-applied-configuration: '{}', c: d}}
        spec:
          template: {metadata: {annotations: {client.knative.dev/updateTimestamp: now}, labels: {e: f}}, spec: {containers: [{image: i3}]}}
          traffic: [{latestRevision: true, percent: 70}, {revisionName: x-00001, percent: 30, tag: old, latestRevision: false}]
        status: {latestCreatedRevisionName: x-00003, url: http://x}
        """;

    private const string PlainMetadata = "{name: x, labels: {a: b}, annotations: {c: d}}";

    [Fact]
    public void ForImport_WithoutRevisions_IsTheServiceAlone() => Edits.Equal(
        "{apiVersion: client.knative.dev/v1alpha1, kind: Export, metadata: {}, spec: {service: {apiVersion: serving.knative.dev/v1, kind: Service, metadata: " + PlainMetadata +
        ", spec: {template: {metadata: {labels: {e: f}}, spec: {containers: [{image: i3}]}}}}}}",
        ServiceExport.ForImport(Edits.Tree(Service), null));

    [Fact]
    public void ForImport_WithRevisions_HasTheRoutedOnesAndTheNewestKeepsItsName()
    {
        var export = ServiceExport.ForImport(Edits.Tree(Service), [Revision(2), Revision(1), Revision(3)]);

        var service = export["spec"]!["service"]!["spec"]!;
        Assert.Equal("x-00003", (string?)service["template"]!["metadata"]!["name"]);
        Edits.Equal("{traffic: [{latestRevision: true, percent: 70}, {revisionName: x-00001, percent: 30, tag: old, latestRevision: false}]}", new JsonObject { ["traffic"] = service["traffic"]!.DeepClone() });
        Edits.Equal(
            "{apiVersion: serving.knative.dev/v1, kind: Revision, metadata: {name: x-00001, labels: {serving.knative.dev/configurationGeneration: '1'}, annotations: {keep: it}}, spec: {containers: [{image: i1}]}}",
            Assert.Single(export["spec"]!["revisions"]!.AsArray()));
    }

    [Fact]
    public void ForReplay_WithRevisions_IsAServiceForEach()
    {
        var list = ServiceExport.ForReplay(Edits.Tree(Service), [Revision(3), Revision(1)]);

        Assert.Equal("List", (string?)list["kind"]);
        var items = list["items"]!.AsArray();
        Edits.Equal(
            "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: " + PlainMetadata +
            ", spec: {template: {metadata: {name: x-00001, labels: {e: f}, annotations: {keep: it}}, spec: {containers: [{image: i1}]}}}}",
            items[0]);
        Assert.Equal("x-00003", (string?)items[1]!["spec"]!["template"]!["metadata"]!["name"]);
        Assert.Equal(2, items[1]!["spec"]!["traffic"]!.AsArray().Count);
        Assert.Equal("Service", (string?)ServiceExport.ForReplay(Edits.Tree(Service), null)["kind"]);
    }

    [Fact]
    public void Export_ObjectsGiven_StayAsTheyAre()
    {
        var (service, revision) = (Edits.Tree(Service), Revision(1));
        var before = service.ToJsonString() + revision.ToJsonString();

        ServiceExport.ForImport(service, [revision]);
        ServiceExport.ForReplay(service, [revision]);

        Assert.Equal(before, service.ToJsonString() + revision.ToJsonString());
    }

    private static JsonObject Revision(int generation) => Edits.Tree(
        $"{{apiVersion: serving.knative.dev/v1, kind: Revision, metadata: {{name: x-0000{generation}, namespace: n, uid: r{generation}, ownerReferences: [{{uid: u}}], " +
        $"labels: {{serving.knative.dev/configurationGeneration: '{generation}', serving.knative.dev/configurationUID: c, serving.knative.dev/routingState: active}}, " +
        $"annotations: {{serving.knative.dev/routes: x, serving.knative.dev/routingStateModified: now, keep: it}}}}, spec: {{containers: [{{image: i{generation}}}]}}, status: {{desiredReplicas: 1}}}}");
}
