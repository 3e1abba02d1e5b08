using System.Text;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>Services that are reached with TLS, by a client that trusts nothing but the built-in authority.</summary>
public sealed class RouteTlsTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private const string Hello = "hello from busybox\n";

    [Fact]
    public async Task ExternalDomainTls_SecuresServiceAndTag_WhileItIsOn()
    {
        await TaggedAsync("shop");
        await fixture.ServiceAsync("plain");
        await fixture.Kubectl.OkAsync("annotate", "ksvc", "plain", "networking.knative.dev/disable-external-domain-tls=true");
        var plain = $"http://shop.default.localhost:{fixture.Serval.GatewayPort}";
        await UntilAsync("shop", s => Url(s) == plain);
        await fixture.SetNetworkAsync("external-domain-tls", "Enabled");
        try
        {
            var gateway = await fixture.SecureGatewayAsync();
            await UntilAsync("shop", s => KubeHttp.IsReady(s) && Url(s) == $"https://shop.default.localhost:{gateway.Port}"
                && (string?)s["status"]!["traffic"]![0]!["url"] == $"https://blue-shop.default.localhost:{gateway.Port}");
            var authority = await AuthorityAsync();
            Assert.Equal(Hello, await SecureHttp.GetAsync(gateway, "shop.default.localhost", authority));
            Assert.Equal(Hello, await SecureHttp.GetAsync(gateway, "blue-shop.default.localhost", authority));
            Assert.Equal(0, await InvokeAsync("shop"));
            await fixture.AnswersAsync("shop", 200); // HTTP goes on

            await UntilAsync("plain", s => KubeHttp.IsReady(s) && Url(s) == $"http://plain.default.localhost:{fixture.Serval.GatewayPort}");
            await Assert.ThrowsAsync<HttpRequestException>(() => SecureHttp.GetAsync(gateway, "plain.default.localhost", authority));

            await fixture.SetNetworkAsync("http-protocol", "Redirected");
            await fixture.AnswersAsync("shop", 301);
            Assert.Equal(0, await InvokeAsync("shop"));
            await fixture.SetNetworkAsync("http-protocol", "Enabled");
            await fixture.AnswersAsync("shop", 200);
        }
        finally
        {
            await fixture.SetNetworkAsync("external-domain-tls", "Disabled");
        }
        await UntilAsync("shop", s => KubeHttp.IsReady(s) && Url(s) == plain);
    }

    [Fact]
    public async Task ClusterLocalDomainTls_SecuresEveryFormOfTheName_InsideAlone()
    {
        await fixture.ServiceAsync("inner");
        await fixture.SetNetworkAsync("cluster-local-domain-tls", "Enabled");
        try
        {
            var inside = await fixture.SecureGatewayAsync("gateway-private");
            var suffix = inside.Port == 443 ? "" : $":{inside.Port}";
            await UntilAsync("inner", s => KubeHttp.IsReady(s) && (string?)s["status"]!["address"]!["url"] == $"https://inner.default.svc.cluster.local{suffix}");
            var authority = await AuthorityAsync();
            foreach (var form in (string[])["inner.default", "inner.default.svc", "inner.default.svc.cluster.local"])
            {
                Assert.Equal(Hello, await SecureHttp.GetAsync(inside, form, authority));
            }
            var open = await fixture.SecureGatewayAsync();
            var refused = await Assert.ThrowsAsync<HttpRequestException>(() => SecureHttp.GetAsync(open, "inner.default.svc.cluster.local", authority));
            Assert.Contains("unrecognized name", refused.ToString(), StringComparison.Ordinal); // not even that it exists

            await fixture.Kubectl.OkAsync("label", "ksvc", "inner", "networking.knative.dev/visibility=cluster-local");
            await UntilAsync("inner", s => KubeHttp.IsReady(s) && Url(s) == $"https://inner.default.svc.cluster.local{suffix}");
            Assert.Equal(0, await InvokeAsync("inner"));
        }
        finally
        {
            await fixture.SetNetworkAsync("cluster-local-domain-tls", "Disabled");
        }
        await UntilAsync("inner", s => KubeHttp.IsReady(s) && Url(s)!.StartsWith("http://", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SelectedNamespace_HasOneCertificate_ForAllItsServices()
    {
        await fixture.Kubectl.OkAsync("create", "namespace", "wild");
        await fixture.Kubectl.OkAsync("label", "namespace", "wild", "certified=yes");
        await fixture.SetNetworkAsync("namespace-wildcard-cert-selector", "matchLabels:\\n  certified: \\\"yes\\\"\\n");
        await fixture.SetNetworkAsync("external-domain-tls", "Enabled");
        try
        {
            await fixture.UntilAsync("/apis/networking.internal.knative.dev/v1alpha1/namespaces/wild/certificates", KubeHttp.IsReady);
            await fixture.Kubectl.ApplyAsync(Manifests.Service("one"), "-n", "wild");
            await fixture.Kubectl.OkAsync("wait", "--for=condition=Ready", "ksvc/one", "-n", "wild", "--timeout=30s");
            Assert.Equal(Hello, await SecureHttp.GetAsync(await fixture.SecureGatewayAsync(), "one.wild.localhost", await AuthorityAsync()));
            Assert.Equal("wild.localhost", await fixture.Kubectl.OkAsync("get", "kcert", "-n", "wild", "-o", "jsonpath={.items[*].metadata.name}"));
        }
        finally
        {
            await fixture.SetNetworkAsync("namespace-wildcard-cert-selector", "");
            await fixture.SetNetworkAsync("external-domain-tls", "Disabled");
        }
        await fixture.Kubectl.OkAsync("wait", "--for=delete", "kcert/wild.localhost", "-n", "wild", "--timeout=30s");
    }

    private async Task TaggedAsync(string name)
    {
        await fixture.Kubectl.ApplyAsync(Manifests.Service(name).Replace(
            "spec:\n  template", "spec:\n  traffic: [{tag: blue, latestRevision: true, percent: 100}]\n  template", StringComparison.Ordinal));
        await fixture.ReadyAsync(name);
    }

    private Task UntilAsync(string service, Func<JsonObject, bool> wanted) =>
        fixture.UntilAsync($"/apis/serving.knative.dev/v1/namespaces/default/services?fieldSelector=metadata.name={service}", wanted);

    private async Task<string> AuthorityAsync() => Encoding.ASCII.GetString(Convert.FromBase64String(
        await fixture.Kubectl.OkAsync("get", "secret", "knative-selfsigned-ca", "-n", "cert-manager", "-o", @"jsonpath={.data.tls\.crt}")));

    private async Task<int> InvokeAsync(string service) => (await fixture.Serval.RunAsync("invoke", service)).Code;

    private static string? Url(JsonObject service) => (string?)service["status"]!["url"];
}
