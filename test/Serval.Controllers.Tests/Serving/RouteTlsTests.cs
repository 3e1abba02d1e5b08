using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Controllers.Tests.Serving;

/// <summary>external-domain-tls and cluster-local-domain-tls: Certificates of Routes, and of namespaces.</summary>
public sealed class RouteTlsTests
{
    private const string On = """{"external-domain-tls":"Enabled"}""";
    private const string Selecting = """{"namespace-wildcard-cert-selector":"matchExpressions:\n- key: certified\n  operator: DoesNotExist\n"}""";
    private const string LocalOn = """{"cluster-local-domain-tls":"Enabled"}""";
    private const string Two = """[{"latestRevision":true,"percent":100},{"latestRevision":true,"percent":0,"tag":"blue"}]""";

    private static async Task<ServingWorld> StartAsync(string network, params Seed[] given)
    {
        var world = await ServingWorld.StartAsync(given);
        await world.ConfigureAsync("config-domain", """{"example.com":""}""");
        await world.ConfigureAsync("config-network", network);
        await world.SettleAsync();
        return world;
    }

    [Fact]
    public async Task Service_IsHttps_WithACertificateAHost()
    {
        await using var world = await StartAsync(On, Some.Service("hello", Two));
        var uid = world.Get(Kinds.Route, "hello").Metadata.Uid;
        Assert.Equal(
            [$"route-{uid}: hello.default.example.com", $"route-{uid}-69140905: blue-hello.default.example.com"],
            Certificates(world).Select(c => $"{c.Metadata.Name}: {c.As<Certificate>().Spec.DnsNames.Single()}").OrderBy(c => c.Length));
        var certificate = world.Get(Kinds.Certificate, $"route-{uid}");
        Assert.Equal(("example.com", $"route-{uid}"), (certificate.As<Certificate>().Spec.Domain, certificate.As<Certificate>().Spec.SecretName));
        Assert.Equal(("hello", "external-domain"), (certificate.Metadata.Label("serving.knative.dev/route"), certificate.Metadata.Label("networking.knative.dev/certificate-type")));
        Assert.Equal("serval.certificate.networking.knative.dev", certificate.Metadata.Annotation("networking.knative.dev/certificate.class"));

        var service = world.Get(Kinds.KService, "hello").ToTree()["status"]!;
        Assert.Equal("https://hello.default.example.com", (string?)service["url"]);
        Assert.Equal("https://blue-hello.default.example.com", (string?)service["traffic"]![1]!["url"]);
        Assert.Equal("http://hello.default.svc.cluster.local", (string?)service["address"]!["url"]);
        Assert.Contains("CertificateProvisioned=True\n", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
        Assert.Contains("Ready=True", world.Status(Kinds.KService, "hello"), StringComparison.Ordinal);
        Assert.Equal(
            $$"""[{"hosts":["hello.default.example.com"],"secretName":"route-{{uid}}","secretNamespace":"default"},{"hosts":["blue-hello.default.example.com"],"secretName":"route-{{uid}}-69140905","secretNamespace":"default"}]""",
            world.Get(Kinds.KIngress, "hello").ToTree()["spec"]!["tls"]!.ToJsonString());
        Assert.Contains($"Normal Created Route/hello: Created Certificate default/route-{uid}", world.Events.Take());
        world.Client.TakeWrites();
        await world.RunAsync(Kinds.Route, "hello");
        Assert.Empty(world.Client.TakeWrites());
    }

    [Theory]
    [InlineData("networking.knative.dev/disable-external-domain-tls", "true", false)]
    [InlineData("networking.knative.dev/disableAutoTLS", "1", false)]
    [InlineData("networking.knative.dev/disable-auto-tls", "True", false)]
    [InlineData("networking.knative.dev/disable-auto-tls", "maybe", true)]
    [InlineData("networking.knative.dev/disable-external-domain-tls", "false", true)]
    public async Task Annotation_TurnsItOff(string annotation, string value, bool secure)
    {
        await using var world = await StartAsync(On, Some.Service("hello").Annotated(annotation, value));
        Assert.Equal(secure ? "https://hello.default.example.com" : "http://hello.default.example.com", Url(world));
        Assert.Equal(!secure, world.Status(Kinds.Route, "hello").Contains("CertificateProvisioned=True TLSNotEnabled: external-domain-tls is not enabled", StringComparison.Ordinal));
        Assert.Equal(secure, Certificates(world).Count > 0);
    }

    [Fact]
    public async Task ClusterLocalService_HasNone()
    {
        await using var world = await StartAsync(On, Some.Service("hello").Labelled("networking.knative.dev/visibility", "cluster-local"));
        Assert.Empty(Certificates(world));
        Assert.Contains("CertificateProvisioned=True TLSNotEnabled: TLS is not enabled for cluster-local", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
    }

    /// <summary>The certificates are another issuer's, which does nothing here.</summary>
    [Theory]
    [InlineData("enabled", "", "http", "True HTTPDowngrade: Certificate NAME is not ready downgrade HTTP.")]
    [InlineData("redirected", "", "https", "Unknown CertificateNotReady: Certificate NAME is not ready: ")]
    [InlineData("disabled", "Ready=Unknown Ordered: wait", "https", "Unknown CertificateNotReady: Certificate NAME is not ready: Ordered")]
    [InlineData("redirected", "Ready=False Refused: no", "https", "False CertificateProvisionFailed: Certificate NAME fails to be provisioned: Refused")]
    [InlineData("enabled", "Ready=False Refused: no", "http", "True HTTPDowngrade: Certificate NAME is not ready downgrade HTTP.")]
    public async Task CertificateThatIsNotReady_IsSaid(string protocol, string conditions, string scheme, string expected)
    {
        await using var world = await StartAsync($$"""{"external-domain-tls":"enabled","http-protocol":"{{protocol}}","certificate-class":"other"}""", Some.Service("hello"));
        var name = Certificates(world).Single().Metadata.Name;
        if (conditions.Length > 0)
        {
            await world.PatchStatusAsync(Kinds.Certificate, name, new JsonObject { ["observedGeneration"] = 1, ["conditions"] = StatusText.Conditions(conditions) }.ToJsonString());
            await world.SettleAsync();
        }
        Assert.Contains($"CertificateProvisioned={expected.Replace("NAME", name, StringComparison.Ordinal)}", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
        Assert.StartsWith(scheme + "://", (string?)world.Get(Kinds.Route, "hello").ToTree()["status"]!["url"], StringComparison.Ordinal);
        Assert.Null(world.Get(Kinds.KIngress, "hello").ToTree()["spec"]!["tls"]);
    }

    [Fact]
    public async Task Challenge_IsServedBeforeEverythingElse()
    {
        await using var world = await StartAsync("""{"external-domain-tls":"enabled","certificate-class":"other"}""", Some.Service("hello"));
        await world.PatchStatusAsync(Kinds.Certificate, Certificates(world).Single().Metadata.Name,
            """{"http01Challenges":[{"url":"http://hello.default.example.com/.well-known/acme-challenge/x","serviceName":"solver","serviceNamespace":"default","servicePort":8089}]}""");
        await world.SettleAsync();
        var rules = world.Get(Kinds.KIngress, "hello").ToTree()["spec"]!["rules"]!.AsArray();
        var open = rules.Single(r => (string?)r!["visibility"] == "ExternalIP")!["http"]!["paths"]!;
        Assert.Equal(
            """{"path":"/.well-known/acme-challenge/x","splits":[{"percent":100,"serviceName":"solver","serviceNamespace":"default","servicePort":8089}]}""",
            open[0]!.ToJsonString());
        Assert.Single(rules.Single(r => (string?)r!["visibility"] == "ClusterLocal")!["http"]!["paths"]!.AsArray());
    }

    [Fact]
    public async Task TagThatIsNoMore_TakesItsCertificateAlong()
    {
        await using var world = await StartAsync(On, Some.Service("hello", Two));
        Assert.Equal(2, Certificates(world).Count);
        await world.PatchAsync(Kinds.KService, "hello", """{"spec":{"traffic":[{"latestRevision":true,"percent":100}]}}""");
        await world.SettleAsync();
        Assert.Equal(["hello.default.example.com"], Certificates(world).Single().As<Certificate>().Spec.DnsNames);
        Assert.Contains(world.Events.Take(), e => e.StartsWith("Normal Deleted Certificate/route-", StringComparison.Ordinal) && e.Contains("Deleted orphaned Knative Certificate default/route-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SettingsEditedLive_AreFollowed()
    {
        await using var world = await StartAsync("""{"external-domain-tls":"disabled"}""", Some.Service("hello"));
        Assert.Equal("http://hello.default.example.com", Url(world));
        await world.DeleteSettingsAsync("config-network");
        await world.ConfigureAsync("config-network", On);
        await world.SettleAsync();
        Assert.Equal("https://hello.default.example.com", Url(world));
        await world.DeleteSettingsAsync("config-domain");
        await world.ConfigureAsync("config-domain", """{"example.org":""}""");
        await world.SettleAsync();
        Assert.Equal("https://hello.default.example.org", Url(world));
        Assert.Equal(["hello.default.example.org"], Certificates(world).Single().As<Certificate>().Spec.DnsNames);
        await world.DeleteSettingsAsync("config-network");
        await world.SettleAsync();
        Assert.Equal("http://hello.default.example.org", Url(world));
        Assert.Null(world.Get(Kinds.KIngress, "hello").ToTree()["spec"]!["tls"]);
    }

    [Fact]
    public async Task CertificateOfSomebodyElse_StopsTheRoute()
    {
        await using var world = await ServingWorld.StartAsync(Some.Service("hello"));
        await world.SettleAsync();
        var name = $"route-{world.Get(Kinds.Route, "hello").Metadata.Uid}";
        await world.PlantAsync(Some.Of(Kinds.Certificate, name, """{"dnsNames":["x.test"],"secretName":"x"}"""));
        await world.ConfigureAsync("config-network", On);
        await world.SettleAsync();
        Assert.Contains(
            $"CertificateProvisioned=False CertificateNotOwned: There is an existing certificate {name} that we don't own.", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
        Assert.Equal("http://hello.default.localhost", Url(world));
    }

    [Fact]
    public async Task SelectedNamespace_HasAWildcard_WhichItsRoutesUse()
    {
        await using var world = await StartAsync(
            """{"external-domain-tls":"enabled","namespace-wildcard-cert-selector":"matchLabels:\n  certified: \"yes\"\n"}""", Some.Service("hello", Two));
        Assert.Equal(2, Certificates(world).Count);
        await LabelAsync("yes");
        await world.SettleAsync();
        var wildcard = world.Get(Kinds.Certificate, "default.example.com");
        Assert.Equal(("*.default.example.com", "example.com"), (wildcard.As<Certificate>().Spec.DnsNames.Single(), wildcard.Metadata.Label("networking.knative.dev/wildcardDomain")));
        Assert.All(
            world.Get(Kinds.KIngress, "hello").ToTree()["spec"]!["tls"]!.AsArray(), t => Assert.Equal("default.example.com", (string?)t!["secretName"]));
        Assert.Equal("https://hello.default.example.com", Url(world));
        Assert.Contains("Normal Created Certificate/default.example.com: Created Knative Certificate default/default.example.com", world.Events.Take());

        await LabelAsync("no");
        await world.SettleAsync();
        Assert.Null(world.Find(Kinds.Certificate, "default.example.com"));
        Assert.Contains("Normal Deleted Certificate/default.example.com: Deleted Knative Certificate default/default.example.com", world.Events.Take());
        Assert.Equal("https://hello.default.example.com", Url(world));

        Task LabelAsync(string value) => world.Client.PatchAsync(Kinds.Namespace, new ObjectKey("", "default"), new KubePatch(
            PatchType.Merge, System.Text.Encoding.UTF8.GetBytes($$"""{"metadata":{"labels":{"certified":"{{value}}"} } }""")), WriteOptions.By("test"));
    }

    [Fact]
    public async Task ClusterLocalHosts_HaveACertificateATag()
    {
        await using var world = await StartAsync(LocalOn, Some.Service("hello", Two));
        var uid = world.Get(Kinds.Route, "hello").Metadata.Uid;
        var certificate = world.Get(Kinds.Certificate, $"route-{uid}-local");
        Assert.Equal(["hello.default", "hello.default.svc", "hello.default.svc.cluster.local"], certificate.As<Certificate>().Spec.DnsNames);
        Assert.Equal(("svc.cluster.local", $"route-{uid}-local"), (certificate.As<Certificate>().Spec.Domain, certificate.As<Certificate>().Spec.SecretName));
        Assert.Equal("cluster-local-domain", certificate.Metadata.Label("networking.knative.dev/certificate-type"));
        Assert.Equal("blue-hello.default.svc.cluster.local", world.Get(Kinds.Certificate, $"route-{uid}-69140905-local").As<Certificate>().Spec.DnsNames[2]);

        Assert.Equal("http://hello.default.example.com", Url(world));
        Assert.Equal("https://hello.default.svc.cluster.local", Address(world));
        Assert.Contains("CertificateProvisioned=True\n", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
        Assert.Equal(
            [$"hello.default hello.default.svc hello.default.svc.cluster.local in route-{uid}-local", $"blue-hello.default blue-hello.default.svc blue-hello.default.svc.cluster.local in route-{uid}-69140905-local"],
            world.Get(Kinds.KIngress, "hello").As<KIngress>().Spec.Tls.Select(t => $"{string.Join(' ', t.Hosts)} in {t.SecretName}"));
        world.Client.TakeWrites();
        await world.RunAsync(Kinds.Route, "hello");
        Assert.Empty(world.Client.TakeWrites());
    }

    /// <summary>Also where no public host would have a certificate: the annotation is about those.</summary>
    [Theory]
    [InlineData("cluster-local", "https://hello.default.svc.cluster.local")]
    [InlineData("", "http://hello.default.example.com")]
    public async Task BothSettings_AreIndependent(string visibility, string url)
    {
        await using var world = await StartAsync(
            """{"external-domain-tls":"enabled","cluster-local-domain-tls":"enabled"}""",
            Some.Service("hello").Labelled("networking.knative.dev/visibility", visibility).Annotated("networking.knative.dev/disable-external-domain-tls", "true"));
        Assert.Equal(url, Url(world));
        Assert.Equal("https://hello.default.svc.cluster.local", Address(world));
        Assert.EndsWith("-local", Certificates(world).Single().Metadata.Name, StringComparison.Ordinal);
    }

    /// <summary>Plain HTTP goes on inside, but the Route is not as asked: there is no downgrade there.</summary>
    [Theory]
    [InlineData("", "Unknown CertificateNotReady: Certificate NAME is not ready: ")]
    [InlineData("Ready=False Refused: no", "False CertificateProvisionFailed: Certificate NAME fails to be provisioned: Refused")]
    public async Task ClusterLocalCertificateThatIsNotReady_IsSaid(string conditions, string expected)
    {
        await using var world = await StartAsync("""{"cluster-local-domain-tls":"enabled","certificate-class":"other"}""", Some.Service("hello"));
        var name = Certificates(world).Single().Metadata.Name;
        if (conditions.Length > 0)
        {
            await world.PatchStatusAsync(Kinds.Certificate, name, new JsonObject { ["observedGeneration"] = 1, ["conditions"] = StatusText.Conditions(conditions) }.ToJsonString());
            await world.SettleAsync();
        }
        Assert.Contains($"CertificateProvisioned={expected.Replace("NAME", name, StringComparison.Ordinal)}", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
        Assert.Equal("http://hello.default.svc.cluster.local", Address(world));
    }

    [Fact]
    public async Task ClusterLocalTag_ThatIsNoMore_TakesItsCertificateAlong()
    {
        await using var world = await StartAsync(LocalOn, Some.Service("hello", Two));
        await world.PatchAsync(Kinds.KService, "hello", """{"spec":{"traffic":[{"latestRevision":true,"percent":100}]}}""");
        await world.SettleAsync();
        Assert.Equal("hello.default", Certificates(world).Single().As<Certificate>().Spec.DnsNames[0]);
    }

    /// <summary>What the Ingress holds goes on to be served, and so the URLs go on to say https.</summary>
    [Fact]
    public async Task TargetThatIsGone_LeavesTheSchemeAsItIs()
    {
        await using var world = await StartAsync(On, Some.Service("hello"));
        await world.PatchAsync(Kinds.KService, "hello", """{"spec":{"traffic":[{"revisionName":"hello-00009","percent":100}]}}""");
        await world.SettleAsync();
        Assert.Contains("AllTrafficAssigned=False", world.Status(Kinds.Route, "hello"), StringComparison.Ordinal);
        Assert.Equal("https://hello.default.example.com", Url(world));
    }

    /// <summary>One for each domain that any Route of the namespace may be below.</summary>
    [Fact]
    public async Task Namespace_HasAWildcardForEachDomainOfThatKind()
    {
        await using var world = await StartAsync(Selecting);
        await world.DeleteSettingsAsync("config-domain");
        await world.ConfigureAsync("config-domain", """{"example.com":"","example.org":"selector:\n  app: shop\n","example.net":"selector:\n  app: web\ntype: wildcard\n"}""");
        await world.SettleAsync();
        Assert.Equal(["*.default.example.com", "*.default.example.net"], Certificates(world).Select(c => c.As<Certificate>().Spec.DnsNames.Single()).Order());
    }

    [Fact]
    public async Task CertificateOfSomebodyElse_InAWildcardsPlace_IsLeftAndTold()
    {
        await using var world = await StartAsync(Selecting, Some.Of(Kinds.Certificate, "default.example.com", """{"dnsNames":["x.test"],"secretName":"x"}"""));
        Assert.Equal(["x.test"], Certificates(world).Single().As<Certificate>().Spec.DnsNames);
        Assert.Contains("Warning InternalError Namespace/default: namespace default does not own Knative Certificate: default.example.com", world.Events.Take());
    }

    [Fact]
    public async Task DomainTemplateThatIsNoWildcard_IsTold()
    {
        await using var world = await StartAsync("""{"namespace-wildcard-cert-selector":"matchLabels: {}","domain-template":"{{.Name}}-{{.Namespace}}.{{.Domain}}"}""");
        Assert.Empty(Certificates(world));
        Assert.Contains("Warning InternalError Namespace/default: invalid DomainTemplate: *-default.example.com", world.Events.Take());
    }

    private static List<KubeObject> Certificates(ServingWorld world) => [.. world.Client.Cache(Kinds.Certificate).List("default")];

    private static string? Address(ServingWorld world) => (string?)world.Get(Kinds.Route, "hello").ToTree()["status"]!["address"]!["url"];

    private static string? Url(ServingWorld world) => (string?)world.Get(Kinds.KService, "hello").ToTree()["status"]!["url"];
}
