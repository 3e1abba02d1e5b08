using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>What a program of an image sees: Knative's runtime contract (docs/runtime-contract.md), in our words. Elsewhere the Node says that it sees the machine.</summary>
public sealed class ContainerViewTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    [Fact]
    public async Task Program_SeesItsImageDevicesAndName_AndNotTheMachine()
    {
        var script = """
            set -e
            for f in null zero full random urandom tty; do test -c /dev/$f; done
            test "$(./busybox readlink /dev/stdout)" = /proc/self/fd/1; test -d /dev/fd/
            test ! -e /dev/console; test "$(./busybox stat -c %a /tmp)" = 1777
            test "$(./busybox hostname)" = "$HOSTNAME"; ./busybox grep -q "$HOSTNAME" /etc/hosts
            ./busybox grep -q ' /proc/sys proc ro' /proc/mounts
            test ! -e /proc/1; test ! -e /usr; pwd
            """;
        await fixture.Kubectl.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: looker}
            spec:
              restartPolicy: Never
              containers:
              - name: looker
                image: dev.local/bb:1
                args: [sh, -c, {{JsonSerializer.Serialize(script)}}]
            """);
        await fixture.Kubectl.RunAsync("", "wait", "pod/looker", "--for=jsonpath={.status.containerStatuses[0].state.terminated}", "--timeout=30s");

        var pod = await fixture.Serval.Api.GetAsync("/api/v1/namespaces/default/pods/looker");

        var view = await ConditionAsync("ContainerView");
        Assert.Equal((string)view["status"]! == "True" ? "Succeeded" : "Failed", (string)pod["status"]!["phase"]!);
        Assert.Contains(view["reason"]!.ToString(), (string[])["OwnRoot", "MachineView"]);
    }

    private async Task<JsonNode> ConditionAsync(string type)
    {
        var nodes = await fixture.Serval.Api.GetAsync("/api/v1/nodes");
        return nodes["items"]![0]!["status"]!["conditions"]!.AsArray().Single(c => (string)c!["type"]! == type)!;
    }
}
