using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Host names of one's own: whose they are, what they lead to, and what the programs there see.</summary>
public sealed class DomainMappingTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    /// <summary>Answers with its service's name and the host it was asked for; a WebSocket gets the host as a text frame.</summary>
    private const string Connection = """
        host=; up=; while read -r line && [ ${#line} -gt 1 ]; do line=${line%?}; case $line in Host:*) host=${line#Host: };; Upgrade:*) up=1;; esac; done;
        if [ -n "$up" ]; then printf "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\201\022$host"; ./busybox sleep 5; exit; fi;
        printf "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$K_SERVICE is $host"
        """;

    [Fact]
    public async Task Name_IsTheFirstOnes_AndTheNextOnesWhenThatIsDeleted()
    {
        const string host = "shop.example.com";
        await ServiceAsync("first");
        await MapAsync(host, "first");
        await ReadyAsync(host);
        Assert.Equal(
            $"http://{host}:{fixture.Serval.GatewayPort} default",
            await fixture.Kubectl.OkAsync("get", "dm", host, "-o", "jsonpath={.status.url} {.spec.ref.namespace}"));
        await AnswersAsync(host, $"first is {host}");

        await fixture.Kubectl.OkAsync("create", "namespace", "away");
        await ServiceAsync("second", "away");
        await MapAsync(host, "second", "away");
        await UntilAsync(host, m => KubeHttp.ConditionOf(m, "DomainClaimed", "reason") == "DomainAlreadyClaimed", "away");
        await AnswersAsync(host, $"first is {host}");

        await fixture.Kubectl.OkAsync("delete", "dm", host);
        await ReadyAsync(host, "away");
        await AnswersAsync(host, $"second is {host}");
        Assert.Equal("away", await fixture.Kubectl.OkAsync("get", "cdc", host, "-o", "jsonpath={.spec.namespace}"));

        await fixture.Kubectl.OkAsync("delete", "namespace", "away");
        await fixture.Kubectl.OkAsync("wait", "--for=delete", $"cdc/{host}", "--timeout=30s");
        await CodeAsync(host, 404);
    }

    [Fact]
    public async Task Target_ThatIsMissing_IsWaitedFor_AndMissedWhenItGoes()
    {
        const string host = "late.example.com";
        await MapAsync(host, "late");
        await UntilAsync(host, m => KubeHttp.ConditionOf(m, "Ready", "message") == "failed to get object default/late: services.serving.knative.dev \"late\" not found");
        await CodeAsync(host, 404);

        await ServiceAsync("late");
        await ReadyAsync(host);
        await CodeAsync(host, 200);

        await fixture.Kubectl.OkAsync("delete", "ksvc", "late");
        await UntilAsync(host, m => KubeHttp.ConditionOf(m, "Ready", "reason") == "ResolveFailed");
        await CodeAsync(host, 404);
    }

    [Fact]
    public async Task ClusterLocalService_AndATagOfOne_AreReachedByTheirMappings()
    {
        const string host = "hidden.example.com";
        await ServiceAsync("hidden", more: "  labels: {networking.knative.dev/visibility: cluster-local}\n", spec: "  traffic: [{tag: blue, latestRevision: true, percent: 100}]\n");
        await CodeAsync("hidden.default.svc.cluster.local", 404);
        await MapAsync(host, "hidden");
        await ReadyAsync(host);
        await AnswersAsync(host, $"hidden is {host}");

        await MapAsync("blue.example.com", "blue-hidden", version: "v1");
        await ReadyAsync("blue.example.com");
        await AnswersAsync("blue.example.com", "hidden is blue.example.com");
    }

    [Fact]
    public async Task Settings_OfClaims_AreFollowedLive()
    {
        const string host = "asked.example.com";
        await ServiceAsync("asked");
        await fixture.SetNetworkAsync("autocreate-cluster-domain-claims", "false");
        try
        {
            await MapAsync(host, "asked");
            await UntilAsync(host, m => KubeHttp.ConditionOf(m, "DomainClaimed", "reason") == "DomainAlreadyClaimed");
            await fixture.Kubectl.ApplyAsync($$"""
                apiVersion: networking.internal.knative.dev/v1alpha1
                kind: ClusterDomainClaim
                metadata: {name: {{host}}}
                spec: {namespace: default}
                """);
            await ReadyAsync(host);

            await MapAsync("unasked.example.com", "asked");
            await UntilAsync("unasked.example.com", m => KubeHttp.ConditionOf(m, "DomainClaimed", "reason") == "DomainAlreadyClaimed");
        }
        finally
        {
            await fixture.SetNetworkAsync("autocreate-cluster-domain-claims", "true");
        }
        await ReadyAsync("unasked.example.com");
        await fixture.Kubectl.OkAsync("delete", "dm", host, "unasked.example.com");
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "cdc/unasked.example.com", "--timeout=30s");
        Assert.Equal("default", await fixture.Kubectl.OkAsync("get", "cdc", host, "-o", "jsonpath={.spec.namespace}"));
    }

    [Fact]
    public async Task WebSocket_GoesThroughAMapping()
    {
        const string host = "sock.example.com";
        await ServiceAsync("socket");
        await MapAsync(host, "socket");
        await ReadyAsync(host);
        using var socket = await Wire.SendingAsync(fixture.Serval.GatewayPort, $"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 101 ", await socket.UntilAsync("\r\n\r\n"), StringComparison.Ordinal);
        await socket.UntilAsync(host);
    }

    [Fact]
    public async Task CertificateOfTheUsers_ServesTheName_AndHttpIsSentThere()
    {
        const string host = "own.example.com";
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        var pem = certificate.ExportCertificatePem();
        await fixture.Kubectl.ApplyAsync(new JsonObject
        {
            ["apiVersion"] = "v1", ["kind"] = "Secret", ["type"] = "kubernetes.io/tls", ["metadata"] = new JsonObject { ["name"] = "own-pair", ["namespace"] = "default" },
            ["stringData"] = new JsonObject { ["tls.crt"] = pem, ["tls.key"] = key.ExportPkcs8PrivateKeyPem() },
        }.ToJsonString());
        await ServiceAsync("own");
        await MapAsync(host, "own", more: ", tls: {secretName: own-pair}", annotations: "{networking.knative.dev/http-protocol: redirected}");
        await ReadyAsync(host);

        var gateway = await fixture.SecureGatewayAsync();
        Assert.Equal($"https://{host}:{gateway.Port}", await fixture.Kubectl.OkAsync("get", "dm", host, "-o", "jsonpath={.status.url}"));
        Assert.Equal("True CertificateExternallyProvided", await CertificateAsync(host));
        Assert.Equal($"own is {host}", (await SecureHttp.GetAsync(gateway, host, pem)).Split(':')[0]);
        var (code, text) = await RawHttp.GetAsync(fixture.Serval.GatewayPort, host, "/a?b=c", CancellationToken.None);
        Assert.Equal(301, code);
        Assert.Contains($"\r\nLocation: https://{host}:{gateway.Port}/a?b=c\r\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Name_HasACertificate_WhileTheClusterWantsThem()
    {
        const string host = "issued.example.com";
        await ServiceAsync("issued");
        await MapAsync(host, "issued");
        await ReadyAsync(host);
        Assert.Equal("True TLSNotEnabled", await CertificateAsync(host));
        await fixture.SetNetworkAsync("external-domain-tls", "enabled");
        try
        {
            await UntilAsync(host, m => KubeHttp.IsReady(m) && ((string?)m["status"]?["url"])?.StartsWith("https://", StringComparison.Ordinal) == true);
            var authority = await fixture.Kubectl.OkAsync("get", "secret", host, "-o", @"jsonpath={.data.ca\.crt}");
            Assert.Equal($"issued is {host}", (await SecureHttp.GetAsync(await fixture.SecureGatewayAsync(), host, Encoding.ASCII.GetString(Convert.FromBase64String(authority)))).Split(':')[0]);
            await AnswersAsync(host, $"issued is {host}"); // HTTP goes on
        }
        finally
        {
            await fixture.SetNetworkAsync("external-domain-tls", "disabled");
        }
        await UntilAsync(host, m => KubeHttp.IsReady(m) && (string?)m["status"]?["url"] == $"http://{host}:{fixture.Serval.GatewayPort}");
    }

    [Fact]
    public async Task Mapping_SurvivesACrash()
    {
        const string host = "kept.example.com";
        await ServiceAsync("kept");
        await MapAsync(host, "kept");
        await ReadyAsync(host);
        await fixture.CrashAndRestartAsync();
        await CodeAsync(host, 200);
    }

    private async Task ServiceAsync(string name, string ns = "default", string more = "", string spec = "")
    {
        var env = JsonSerializer.Serialize(new[] { new { name = "CONNECTION", value = Connection.ReplaceLineEndings(" ") } });
        var manifest = Manifests.Service(name, """["sh", "-c", "exec ./busybox nc -ll -p $(PORT) -e ./busybox sh -c \"$CONNECTION\""]""", env)
            .Replace("spec:\n  template", $"{more}spec:\n{spec}  template", StringComparison.Ordinal);
        await fixture.Kubectl.ApplyAsync(manifest, "-n", ns);
        await fixture.Kubectl.OkAsync("wait", "--for=condition=Ready", $"ksvc/{name}", "-n", ns, "--timeout=30s");
    }

    private Task MapAsync(
        string host, string target, string ns = "default", string version = "serving.knative.dev/v1", string more = "", string annotations = "{}") => fixture.Kubectl.ApplyAsync($$"""
        apiVersion: serving.knative.dev/v1beta1
        kind: DomainMapping
        metadata: {name: {{host}}, namespace: {{ns}}, annotations: {{annotations}} }
        spec: {ref: {apiVersion: {{version}}, kind: Service, name: {{target}} }{{more}} }
        """);

    private Task ReadyAsync(string host, string ns = "default") => UntilAsync(host, KubeHttp.IsReady, ns);

    private Task UntilAsync(string host, Func<JsonObject, bool> wanted, string ns = "default") =>
        fixture.UntilAsync($"/apis/serving.knative.dev/v1beta1/namespaces/{ns}/domainmappings?fieldSelector=metadata.name={host}", wanted);

    private Task<string> CertificateAsync(string host) => fixture.Kubectl.OkAsync(
        "get", "dm", host, "-o", """jsonpath={.status.conditions[?(@.type=="CertificateProvisioned")].status} {.status.conditions[?(@.type=="CertificateProvisioned")].reason}""");

    private async Task AnswersAsync(string host, string body)
    {
        var (code, text) = await RawHttp.GetAsync(fixture.Serval.GatewayPort, host, "/", CancellationToken.None);
        Assert.Equal(200, code);
        Assert.Contains($"\r\n{body}\r\n", text, StringComparison.Ordinal);
    }

    /// <summary>Asks until the answer has the code: the garbage collector and the data plane follow a moment later.</summary>
    private Task CodeAsync(string host, int code) => fixture.Serval.HostAnswersAsync(host, code);
}
