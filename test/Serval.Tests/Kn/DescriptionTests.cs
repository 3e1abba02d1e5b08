using Serval.Kn;

namespace Serval.Tests.Kn;

public sealed class DescriptionTests
{
    private const string Service = """
        metadata: {name: x, namespace: 'n', creationTimestamp: '2026-05-06T07:06:09Z', labels: {b: '2', a: '1'}, annotations: {serving.knative.dev/creator: me}}
        spec: {template: {spec: {serviceAccountName: robot, imagePullSecrets: [{name: key}]}}}
        status:
          url: http://x.n.localhost
          address: {url: http://x.n.svc.cluster.local}
          latestCreatedRevisionName: x-00003
          latestReadyRevisionName: x-00002
          traffic: [{latestRevision: true, revisionName: x-00002, percent: 100, tag: now}, {revisionName: x-00001, percent: 0, tag: old}]
          conditions:
          - {type: Info, status: 'False', severity: Info, reason: Odd, message: just so, lastTransitionTime: '2026-05-06T07:08:08Z'}
          - {type: ConfigurationsReady, status: 'False', reason: RevisionFailed, message: it crashed, lastTransitionTime: '2026-05-06T07:08:04Z'}
          - {type: Ready, status: Unknown, lastTransitionTime: '2026-05-06T07:08:04Z'}
        """;

    [Fact]
    public void Of_Service_TellsWhatTrafficGoesTo() => Equal(
        """
        Name:               x
        Namespace:          n
        Labels:             a=1, b=2
        Age:                2m
        URL:                http://x.n.localhost
        Service Account:    robot
        Image Pull Secret:  key

        Revisions:
             !  x-00003 (latest created) [3] (9s)
                Error:  Crash
                Image:  i:3
          100%  @latest (x-00002) #now [2] (9s)
                Image:     i:2 (pinned to abcdef)
                Replicas:  1/2
             +  x-00001 #old [1] (9s)
                Image:     i:1 (at abcdef)
                Replicas:  0/0

        Conditions:
          OK TYPE                   AGE REASON
          ?? Ready                   5s
          !! ConfigurationsReady     5s RevisionFailed
           I Info                    1s Odd

        """,
        verbose: false);

    [Fact]
    public void Of_ServiceVerbose_TellsEverything() => Equal(
        """
        Name:               x
        Namespace:          n
        Labels:             a=1
                            b=2
        Annotations:        serving.knative.dev/creator=me
        Age:                2m
        URL:                http://x.n.localhost
        Cluster:            http://x.n.svc.cluster.local
        Service Account:    robot
        Image Pull Secret:  key

        Revisions:
             !  x-00003 (latest created) [3] (9s)
                Error:    Crash
                Image:    i:3
                Port:     8080
                Env:      A=1
                          B=[ref]
                EnvFrom:  cm:m
                          secret:s
                Scale:    1 ... ∞
                Memory:   1Mi ... 2Mi
                CPU:      1
                Concurrency:
                  Limit:   5
                  Window:  10s
          100%  @latest (x-00002) #now [2] (9s)
                Image:     i:2 (pinned to abcdef)
                Replicas:  1/2
             +  x-00001 #old [1] (9s)
                Image:     i:1 (at abcdef)
                Replicas:  0/0
             ?  x-00000 [0] (9s)
                Image:  i:0

        Conditions:
          OK TYPE                   AGE REASON
          ?? Ready                   5s
          !! ConfigurationsReady     5s RevisionFailed (it crashed)
           I Info                    1s Odd (just so)

        """,
        verbose: true);

    private static void Equal(string expected, bool verbose)
    {
        string[] revisions =
        [
            Revision(0, "{name: c, image: 'i:0'}", "{}"),
            Revision(1, "{name: c, image: 'i:1'}", "{containerStatuses: [{name: c, imageDigest: 'i@sha256:abcdef99'}], actualReplicas: 0, desiredReplicas: 0, conditions: [{type: Ready, status: 'True'}]}"),
            Revision(
                2, "{name: c, image: 'i@sha256:abcdef99'}",
                "{containerStatuses: [{name: c, imageDigest: 'i@sha256:abcdef99'}], actualReplicas: 1, desiredReplicas: 2, conditions: [{type: Ready, status: 'True'}]}", "client.knative.dev/user-image: 'i:2'"),
            Revision(
                3,
                "{name: c, image: 'i:3', ports: [{containerPort: 8080}], env: [{name: A, value: '1'}, {name: B, valueFrom: {}}], envFrom: [{configMapRef: {name: m}}, {secretRef: {name: s}}], " +
                "resources: {requests: {memory: 1Mi}, limits: {memory: 2Mi, cpu: '1'}}}",
                "{conditions: [{type: Ready, status: 'False', reason: Crash}]}", "autoscaling.knative.dev/min-scale: '1', autoscaling.knative.dev/window: 10s"),
        ];
        var output = new StringWriter { NewLine = "\n" };

        ServiceDescription.Of(Edits.Tree(Service), [.. revisions.Select(Edits.Tree)], verbose, Edits.Now).Write(output);

        Assert.Equal(expected.ReplaceLineEndings("\n"), output.ToString());
    }

    private static string Revision(int generation, string container, string status, string annotations = "") =>
        $"{{metadata: {{name: x-0000{generation}, creationTimestamp: '2026-05-06T07:08:00Z', labels: {{serving.knative.dev/configurationGeneration: '{generation}'}}, annotations: {{{annotations}}}}}, " +
        $"spec: {{containerConcurrency: {(generation == 3 ? 5 : 0)}, containers: [{container}]}}, status: {status}}}";
}
