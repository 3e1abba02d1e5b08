using System.Text.Json;

namespace Serval.FunctionalTests;

/// <summary>An open WebSocket does not keep a deleted service's program from being asked to end, and its client hears a proper close.</summary>
public sealed class WebSocketTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Hi = "\u0081\u0002hi";

    [Theory]
    [InlineData("polite", """printf "\210\002\003\350"; exit""", "\u0088\u0002\u0003\u00e8")] // 1000, the program's own
    [InlineData("abrupt", "exit", "\u0088\u0002\u0003\u00e9")] // 1001, the gateway's
    public async Task Service_DeletedWithAnOpenSocket_TheSocketIsClosedInGoodOrder(string name, string asked, string heard)
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service(name, Program, env: Connection(asked)));
        await fixture.ReadyAsync(name);
        await fixture.AnswersAsync(name, 200);
        using var socket = await Wire.SendingAsync(
            fixture.Serval.GatewayPort, $"GET / HTTP/1.1\r\nHost: {name}.default.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        await socket.UntilAsync($"\r\n\r\n{Hi}");

        await fixture.Kubectl.OkAsync("delete", "ksvc", name);

        Assert.Equal(heard, await socket.RestAsync());
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "pods", "-l", $"serving.knative.dev/service={name}", "--timeout=60s");
    }

    /// <summary>One shell for each connection. The signal comes to all of them, and the first leaves them a moment.</summary>
    private const string Program = """
        ["sh", "-c", "trap './busybox sleep 1; exit' TERM; ./busybox nc -ll -p $(PORT) -e ./busybox sh -c \"$CONNECTION\" & while :; do wait; ./busybox sleep 0.1; done"]
        """;

    private static string Connection(string asked)
    {
        var script = $$"""
            upgrade=; while read -r line && [ ${#line} -gt 1 ]; do case $line in Upgrade:*) upgrade=1;; esac; done;
            if [ -z "$upgrade" ]; then printf "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; exit; fi;
            printf "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\201\002hi";
            trap '{{asked}}' TERM; while :; do ./busybox sleep 0.1; done
            """;
        return JsonSerializer.Serialize(new[] { new { name = "CONNECTION", value = script.ReplaceLineEndings(" ") } });
    }
}
