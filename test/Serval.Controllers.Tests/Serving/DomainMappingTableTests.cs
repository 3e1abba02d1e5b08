using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A DomainMapping, run once. The cases are those of Knative's own table (knative/serving: reconciler/domainmapping), as far as they apply.</summary>
public sealed class DomainMappingTableTests
{
    private const string Host = "hello.example.com";
    private const string Claimed = "DomainClaimed=True";
    private const string NoTls = "CertificateProvisioned=True TLSNotEnabled: external-domain-tls is not enabled";
    private const string Unconfigured = "=Unknown IngressNotConfigured: Ingress has not yet been reconciled.";
    private const string Taken = "=False DomainAlreadyClaimed: The domain name is already in use by another DomainMapping";

    private static readonly Seed s_service = Some.Service("hello").With("Ready=True", """{"address":{"url":"http://hello.default.svc.cluster.local"}}""");
    private static readonly Seed s_mapping = Mapping("serving.knative.dev/v1", "Service");
    private static readonly Seed s_claim = Claim("default");
    private static readonly Seed s_byAdministrator = Settings("""{"autocreate-cluster-domain-claims":"false"}""");

    private static readonly Seed s_tls = Settings("""{"external-domain-tls":"enabled"}""");
    private static readonly Seed s_tlsOnly = Settings("""{"external-domain-tls":"enabled","http-protocol":"redirected"}""");
    private static readonly Seed s_ownTls = Some.Of(
        Kinds.DomainMapping, Host, """{"ref":{"apiVersion":"serving.knative.dev/v1","kind":"Service","name":"hello"},"tls":{"secretName":"pair"}}""");

    private static readonly Row[] s_rows =
    [
        new("key not found") { Given = [s_service], Key = "nobody.example.com" },
        new("first reconcile")
        {
            Given = [s_service, s_mapping],
            Writes = [$"create ClusterDomainClaim {Host}", $"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady" + Unconfigured, "Ready" + Unconfigured),
        },
        new("claim is there already")
        {
            Given = [s_byAdministrator, s_service, s_claim, s_mapping],
            Writes = [$"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady" + Unconfigured, "Ready" + Unconfigured),
        },
        new("claim of another namespace")
        {
            Given = [s_service, Claim("other"), s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Refused(Taken),
        },
        new("no claim, and none are made")
        {
            Given = [s_byAdministrator, s_service, s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Refused(Taken),
        },
        new("the claim is refused")
        {
            Given = [s_service, s_mapping],
            Failure = write => write.StartsWith("create ClusterDomainClaim", StringComparison.Ordinal) ? new ApiException(403, "Forbidden", "no claims today") : null,
            Writes = [$"create ClusterDomainClaim {Host}", $"patch DomainMapping {Host}/status"],
            Again = [$"create ClusterDomainClaim {Host}"],
            Status = Refused("=False DomainClaimFailed: no claims today"),
        },
        new("target missing")
        {
            Given = [s_claim, s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("failed to get object default/hello: services.serving.knative.dev \"hello\" not found"),
        },
        new("target without address")
        {
            Given = [s_claim, Some.Service("hello"), s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("address not set for " + Ref("Service", "serving.knative.dev/v1")),
        },
        new("target with an address without URL")
        {
            Given = [s_claim, Some.Service("hello").With("Ready=True", """{"address":{}}"""), s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("URL missing in address of " + Ref("Service", "serving.knative.dev/v1")),
        },
        new("target with a path")
        {
            Given = [s_claim, Addressed("http://hello.default.svc.cluster.local/path"), s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("resolved URI \"http://hello.default.svc.cluster.local/path\" contains a path"),
        },
        new("target outside the cluster")
        {
            Given = [s_claim, Addressed("http://hello.default.example.net/"), s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("resolved URI \"http://hello.default.example.net/\" must be of the form {name}.{namespace}.svc.cluster.local"),
        },
        new("target in another namespace")
        {
            Given = [s_claim, Addressed("http://hello.other.svc.cluster.local"), s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("resolved URI \"http://hello.other.svc.cluster.local\" must be in same namespace as DomainMapping"),
        },
        new("target of a kind that is not called")
        {
            Given = [s_claim, Mapping("apps/v1", "Deployment")],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("address not set for " + Ref("Deployment", "apps/v1")),
        },
        new("target of a kind that is not served")
        {
            Given = [s_claim, Mapping("example.com/v1", "Thing")],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Unresolved("failed to get lister for example.com/v1: there is no kind Thing"),
        },
        new("address of a gateway with a port of its own")
        {
            Given = [s_claim, Addressed("http://hello.default.svc.cluster.local:8881"), s_mapping],
            Writes = [$"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
        },
        new("Kubernetes Service")
        {
            Given = [s_claim, Some.Of(Kinds.Service, "hello", """{"ports":[{"port":80}]}"""), Mapping("v1", "Service")],
            Writes = [$"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady" + Unconfigured, "Ready" + Unconfigured),
        },
        new("Route")
        {
            Given = [s_claim, Some.Route("hello").With("Ready=True", """{"address":{"url":"http://hello.default.svc.cluster.local"}}"""), Mapping("serving.knative.dev/v1", "Route")],
            Writes = [$"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
        },
        new("Ingress ready")
        {
            Given = [s_claim, s_service, s_mapping, Ingress("Ready=True")],
            Key = Host,
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady=True", "Ready=True"),
        },
        new("Ingress failed")
        {
            Given = [s_claim, s_service, s_mapping, Ingress("Ready=False HostConflict: the host is taken")],
            Key = Host,
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady=False HostConflict: the host is taken", "Ready=False HostConflict: the host is taken"),
        },
        new("Ingress changed by hand")
        {
            Given = [s_claim, s_service, s_mapping, Ingress("Ready=True").Labelled("a", "b")],
            Key = Host,
            Writes = [$"patch Ingress {Host}", $"patch DomainMapping {Host}/status"],
        },
        new("Ingress is another's")
        {
            Given = [s_claim, s_service, Ingress("Ready=True") with { Owner = s_service }, s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True",
                $"IngressReady=False NotOwned: There is an existing Ingress \"{Host}\" that we do not own.", $"Ready=False NotOwned: There is an existing Ingress \"{Host}\" that we do not own."),
        },
        new("option there is not")
        {
            Given = [s_claim, s_service, s_mapping.Annotated("networking.knative.dev/http-protocol", "https")],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True",
                "IngressReady=False IngressNotConfigured: incorrect http-protocol annotation: https; the Ingress stays as it was",
                "Ready=False IngressNotConfigured: incorrect http-protocol annotation: https; the Ingress stays as it was"),
        },
        new("target lost: what serves goes on")
        {
            Given = [s_claim, s_mapping.With($"{NoTls}\n{Claimed}\nIngressReady=True\nReady=True\nReferenceResolved=True"), Ingress("Ready=True")],
            Key = Host,
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Status(Claimed,
                "ReferenceResolved=False ResolveFailed: failed to get object default/hello: services.serving.knative.dev \"hello\" not found", "IngressReady=True",
                "Ready=False ResolveFailed: failed to get object default/hello: services.serving.knative.dev \"hello\" not found"),
        },
        new("certificate of the user's")
        {
            Given = [s_claim, s_service, s_ownTls],
            Writes = [$"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Secured("True CertificateExternallyProvided: TLS certificate was provided externally"),
        },
        new("certificate asked for, HTTP meanwhile")
        {
            Given = [s_tls, s_claim, s_service, s_mapping],
            Writes = [$"create Certificate {Host}", $"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady" + Unconfigured, "Ready" + Unconfigured,
                $"CertificateProvisioned=True HTTPDowngrade: Certificate {Host} is not ready downgrade HTTP."),
        },
        new("certificate asked for, no HTTP")
        {
            Given = [s_tlsOnly, s_claim, s_service, s_mapping, Certificate(""), Ingress("Ready=True", "Redirected")],
            Key = Host,
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Secured($"Unknown CertificateNotReady: Certificate {Host} is not ready.", "IngressReady=True", $"Ready=Unknown CertificateNotReady: Certificate {Host} is not ready."),
        },
        new("certificate ready")
        {
            Given = [s_tls, s_claim, s_service, s_mapping, Certificate("Ready=True"), Ingress("Ready=True")],
            Key = Host,
            Writes = [$"patch Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Secured("True"),
        },
        new("certificate changed by hand")
        {
            Given = [s_tls, s_claim, s_service, s_mapping, Certificate("Ready=True").Labelled("a", "b")],
            Key = Host,
            Writes = [$"patch Certificate {Host}", $"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
        },
        new("certificate is another's")
        {
            Given = [s_tls, s_claim, s_service, Certificate("Ready=True") with { Owner = s_service }, s_mapping],
            Writes = [$"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=Unknown", "IngressReady" + Unconfigured,
                $"Ready=False CertificateNotOwned: There is an existing certificate {Host} that we don't own.",
                $"CertificateProvisioned=False CertificateNotOwned: There is an existing certificate {Host} that we don't own."),
        },
        new("certificate refused")
        {
            Given = [s_tls, s_claim, s_service, s_mapping],
            Failure = write => write.StartsWith("create Certificate", StringComparison.Ordinal) ? new ApiException(403, "Forbidden", "none today") : null,
            Writes = [$"create Certificate {Host}", $"patch DomainMapping {Host}/status"],
            Again = [$"create Certificate {Host}"],
            Status = Status(Claimed, "ReferenceResolved=Unknown", "IngressReady" + Unconfigured,
                $"Ready=False CertificateProvisionFailed: Certificate {Host} failed to be provisioned.",
                $"CertificateProvisioned=False CertificateProvisionFailed: Certificate {Host} failed to be provisioned."),
        },
        new("certificate declined")
        {
            Given = [s_tls, s_claim, s_service, s_mapping.Annotated("networking.knative.dev/disable-external-domain-tls", "true")],
            Writes = [$"create Ingress {Host}", $"patch DomainMapping {Host}/status"],
            Status = Status(Claimed, "ReferenceResolved=True", "IngressReady" + Unconfigured, "Ready" + Unconfigured),
        },
        new("deleting: its claim goes with it")
        {
            Given = [s_service, Claim("default", made: true), s_mapping with { Deleting = true }],
            Writes = [$"delete ClusterDomainClaim {Host}"],
        },
        new("deleting: an administrator's claim stays") { Given = [s_service, s_claim, s_mapping with { Deleting = true }] },
        new("deleting: another namespace's claim stays") { Given = [s_service, Claim("other", made: true), s_mapping with { Deleting = true }] },
        new("deleting: claims are an administrator's matter now")
        {
            Given = [s_byAdministrator, s_service, Claim("default", made: true), s_mapping with { Deleting = true }],
        },
    ];

    public static TheoryData<string> Names => Row.Names(s_rows);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Reconcile(string name) => s_rows.Single(r => r.Name == name).CheckAsync(Kinds.DomainMapping);

    [Fact]
    public async Task Ingress_HasOneRuleThatRewritesTheHost()
    {
        await using var world = await ServingWorld.StartAsync(
            s_service,
            s_mapping.Labelled("team", "a").Annotated("note", "b").Annotated("kubectl.kubernetes.io/last-applied-configuration", "{}")
                .Annotated("networking.knative.dev/http-protocol", "redirected"));
        await world.RunAsync(Kinds.DomainMapping, Host);
        var mapping = world.Get(Kinds.DomainMapping, Host);
        var ingress = world.Get(Kinds.KIngress, Host).ToTree();
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse($$"""{"team":"a","serving.knative.dev/domainMappingUID":"{{mapping.Metadata.Uid}}","serving.knative.dev/domainMappingNamespace":"default"}"""),
            ingress["metadata"]!["labels"]));
        Assert.Equal("b", (string?)ingress["metadata"]!["annotations"]!["note"]);
        Assert.Equal("serval.ingress.networking.knative.dev", (string?)ingress["metadata"]!["annotations"]!["networking.knative.dev/ingress.class"]);
        Assert.False(ingress["metadata"]!["annotations"]!.AsObject().ContainsKey("kubectl.kubernetes.io/last-applied-configuration"));
        Assert.Equal(mapping.Metadata.Uid, (string?)ingress["metadata"]!["ownerReferences"]![0]!["uid"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Spec("Redirected")), ingress["spec"]), ingress["spec"]!.ToJsonString());
    }

    private static string Ref(string kind, string version) => $"Kind = {kind}, Namespace = default, Name = hello, APIVersion = {version}, Group = , Address = ";

    [Fact]
    public async Task Certificate_IsForTheNameAlone()
    {
        await using var world = await ServingWorld.StartAsync(s_tls, s_service, s_mapping.Annotated("networking.knative.dev/certificate-class", "theirs"));
        await world.RunAsync(Kinds.DomainMapping, Host);
        var certificate = world.Get(Kinds.Certificate, Host).ToTree();
        Assert.Equal($$"""{"dnsNames":["{{Host}}"],"domain":"{{Host}}","secretName":"{{Host}}"}""", certificate["spec"]!.ToJsonString());
        Assert.Equal("external-domain", (string?)certificate["metadata"]!["labels"]!["networking.knative.dev/certificate-type"]);
        Assert.Equal("theirs", (string?)certificate["metadata"]!["annotations"]!["networking.knative.dev/certificate.class"]);
        Assert.Contains($"Normal Created DomainMapping/{Host}: Created Certificate default/{Host}", world.Events.Take());
    }

    [Fact]
    public async Task Ingress_ServesChallengesUntilThereIsTheCertificate()
    {
        await using var world = await ServingWorld.StartAsync(s_tls, s_service, s_mapping);
        await world.RunAsync(Kinds.DomainMapping, Host);
        await world.PatchStatusAsync(Kinds.Certificate, Host, $$"""
            {"observedGeneration":1,"conditions":[{"type":"Ready","status":"Unknown"}],"http01Challenges":[
              {"url":"http://{{Host}}/.well-known/acme-challenge/t1","serviceName":"solver","serviceNamespace":"default","servicePort":8089},
              {"url":"http://short.example.com/.well-known/acme-challenge/t2","serviceName":"solver","serviceNamespace":"default","servicePort":8089}]}
            """);
        await world.RunAsync(Kinds.DomainMapping, Host);
        var rules = world.Get(Kinds.KIngress, Host).ToTree()["spec"]!["rules"]!.AsArray();
        Assert.Equal(["/.well-known/acme-challenge/t1", null], rules[0]!["http"]!["paths"]!.AsArray().Select(path => (string?)path!["path"]));
        Assert.Equal("solver", (string?)rules[0]!["http"]!["paths"]![0]!["splits"]![0]!["serviceName"]);
        Assert.Equal("short.example.com", (string?)rules[1]!["hosts"]![0]);

        await world.PatchStatusAsync(Kinds.Certificate, Host, """{"http01Challenges":null,"conditions":[{"type":"Ready","status":"True"}]}""");
        await world.RunAsync(Kinds.DomainMapping, Host);
        var spec = world.Get(Kinds.KIngress, Host).ToTree()["spec"]!;
        Assert.Single(spec["rules"]!.AsArray());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse($$"""[{"hosts":["{{Host}}"],"secretName":"{{Host}}","secretNamespace":"default"}]"""), spec["tls"]), spec.ToJsonString());
    }

    private static Seed Certificate(string conditions)
    {
        var seed = (Some.Of(Kinds.Certificate, Host, $$"""{"dnsNames":["{{Host}}"],"domain":"{{Host}}","secretName":"{{Host}}"}""") with { Owner = s_mapping })
            .Labelled("serving.knative.dev/domainMappingUID", "${uid}").Labelled("networking.knative.dev/certificate-type", "external-domain")
            .Annotated("networking.knative.dev/certificate.class", "serval.certificate.networking.knative.dev");
        return conditions.Length > 0 ? seed.With(conditions) : seed;
    }

    private static Seed Mapping(string version, string kind) =>
        Some.Of(Kinds.DomainMapping, Host, $$"""{"ref":{"apiVersion":"{{version}}","kind":"{{kind}}","name":"hello"} }""");

    private static Seed Claim(string ns, bool made = false) => new(Kinds.ClusterDomainClaim, new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = Host, ["labels"] = made ? new JsonObject { ["serving.knative.dev/domainMappingNamespace"] = ns } : null },
        ["spec"] = new JsonObject { ["namespace"] = ns },
    });

    private static Seed Settings(string data) => new(Kinds.ConfigMap, new JsonObject
    {
        ["metadata"] = new JsonObject { ["name"] = "config-network", ["namespace"] = "knative-serving" }, ["data"] = JsonNode.Parse(data),
    });

    private static Seed Addressed(string url) => Some.Service("hello").With("Ready=True", $$"""{"address":{"url":"{{url}}"} }""");

    private static Seed Ingress(string conditions, string option = "Enabled") => (Some.Of(Kinds.KIngress, Host, Spec(option)) with { Owner = s_mapping })
        .Labelled("serving.knative.dev/domainMappingUID", "${uid}").Labelled("serving.knative.dev/domainMappingNamespace", "default")
        .Annotated("networking.knative.dev/ingress.class", "serval.ingress.networking.knative.dev").With(conditions);

    private static string Spec(string option) => $$"""
        {"httpOption":"{{option}}","rules":[{"hosts":["{{Host}}"],"visibility":"ExternalIP","http":{"paths":[{"rewriteHost":"hello.default.svc.cluster.local",
         "splits":[{"serviceNamespace":"default","serviceName":"hello","servicePort":80,"percent":100,"appendHeaders":{"K-Original-Host":"{{Host}}"} }]}]} }]}
        """;

    private static string Refused(string condition) =>
        Status("DomainClaimed" + condition, "ReferenceResolved=Unknown", "IngressReady" + Unconfigured, "Ready" + condition, "CertificateProvisioned=Unknown");

    private static string Unresolved(string why) =>
        Status(Claimed, "ReferenceResolved=False ResolveFailed: " + why, "IngressReady" + Unconfigured, "Ready=False ResolveFailed: " + why);

    private static string Secured(string certificate, string ingress = "IngressReady" + Unconfigured, string ready = "Ready" + Unconfigured) =>
        Status(Claimed, "ReferenceResolved=True", ingress, ready, "CertificateProvisioned=" + certificate).Replace("http://", "https://", StringComparison.Ordinal);

    private static string Status(string claimed, string resolved, string ingress, string ready, string certificate = NoTls) => string.Join('\n',
        $"address: {{\"url\":\"http://{Host}\"}}", "observedGeneration: 1", $"url: \"http://{Host}\"", certificate, claimed, ingress, ready, resolved);
}
