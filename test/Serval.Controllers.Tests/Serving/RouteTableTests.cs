using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Tests.Serving;

/// <summary>A Route, run once. The cases are those of Knative's own table (knative/serving: reconciler/route), as far as they apply.</summary>
public sealed class RouteTableTests
{
    private const string Url = """
        address: {"url":"http://config.default.svc.cluster.local"}
        observedGeneration: 1
        """;

    private const string Path =
        """{"splits":[{"serviceNamespace":"default","serviceName":"config-00001","servicePort":80,"percent":100,"appendHeaders":{"Knative-Serving-Revision":"config-00001","Knative-Serving-Namespace":"default"} }]}""";

    private const string Baseline =
        """{"configurations":[{"configurationName":"config","percent":100,"revisions":[{"revisionName":"config-00001","percent":100}],"stepParams":{}}]}""";

    private const string Latest = """traffic: [{"latestRevision":true,"percent":100,"revisionName":"config-00001"}]""";

    private const string Tls = "CertificateProvisioned=True TLSNotEnabled: external-domain-tls is not enabled";
    private const string Unconfigured = "IngressReady=Unknown IngressNotConfigured: Ingress has not yet been reconciled.";

    private static readonly string s_a60 = new('a', 60);
    private static readonly Seed s_service = Some.Service("hello");
    private static readonly Seed s_config = Some.Configuration("config", "config-00001", "config-00001", routes: "config");
    private static readonly Seed s_revision = Some.Revision(s_config, routes: "config");
    private static readonly Seed s_route = Some.Route("config");
    private static readonly Seed s_placeholder = Placeholder("config", s_route);
    private static readonly Seed s_assigned = s_route.With(
        """
        AllTrafficAssigned=True
        CertificateProvisioned=True TLSNotEnabled: external-domain-tls is not enabled
        IngressReady=True
        Ready=True
        """,
        """
        {"url":"http://config.default.localhost","address":{"url":"http://config.default.svc.cluster.local"},
         "traffic":[{"latestRevision":true,"percent":100,"revisionName":"config-00001"}]}
        """);

    // Asks for a configuration that has no ready revision, and still shows what it sent to before.
    private static readonly Seed s_placeholderRoute = s_assigned with { Object = Retargeted(s_assigned, "green") };

    private static readonly Row[] s_rows =
    [
        new("key not found") { Given = [s_config], Key = "nobody" },
        new("deleting") { Given = [s_config, s_revision, s_route with { Deleting = true }], Writes = ["patch Revision config-00001", "patch Configuration config"] },
        new("configuration not yet ready")
        {
            Given = [Some.Configuration("config", "config-00001", routes: "config"), s_route],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""Unknown RevisionMissing: Configuration "config" is waiting for a Revision to become ready."""),
        },
        new("configuration permanently failed")
        {
            Given = [Some.Configuration("config", "config-00001", routes: "config").With("Ready=False RevisionFailed: it broke"), s_route],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""False RevisionMissing: Configuration "config" does not have any ready Revision."""),
        },
        new("becomes programmed, ingress unknown")
        {
            Given = [s_config, s_revision, s_route],
            Writes = ["create Service config", "create Ingress config", "patch Route config/status"],
            Status = Programmed(Unconfigured, Unconfigured.Replace("IngressReady", "Ready", StringComparison.Ordinal)),
        },
        new("a tag that makes no host")
        {
            Given = [s_config, s_revision, Some.Route("config", $$"""[{"configurationName":"config","latestRevision":true,"percent":100,"tag":"{{s_a60}}"}]""")],
            Writes = ["patch Route config/status"],
            Status = Unassigned(
                $"False ErrorConfig: domain name error: invalid domain name \"{s_a60}-config.default.localhost\": url: Invalid value: \"{s_a60}-config\": must be no more than 63 characters"),
        },
        new("placeholder refused")
        {
            Given = [s_config, s_revision, s_route],
            Failure = write => write == "create Service config" ? new ApiException(403, "Forbidden", "exceeded quota") : null,
            Writes = ["create Service config", "patch Route config/status"],
            Again = ["create Service config"],
            Status = Programmed("IngressReady=False IngressNotConfigured: exceeded quota", "Ready=False IngressNotConfigured: exceeded quota"),
        },
        new("ingress refused")
        {
            Given = [s_config, s_revision, s_route, s_placeholder],
            Key = "config",
            Failure = write => write == "create Ingress config" ? new ApiException(422, "Invalid", "no") : null,
            Writes = ["create Ingress config", "patch Route config/status"],
            Again = ["create Ingress config"],
            Status = Programmed("IngressReady=False IngressNotConfigured: no", "Ready=False IngressNotConfigured: no"),
        },
        new("ingress failed")
        {
            Given = [s_config, s_revision, s_route, s_placeholder, Ingress("Ready=False HostConflict: the host is taken")],
            Key = "config",
            Writes = ["patch Route config/status"],
            Status = Programmed("IngressReady=False HostConflict: the host is taken", "Ready=False HostConflict: the host is taken"),
        },
        new("ingress ready")
        {
            Given = [s_config, s_revision, s_route, s_placeholder, Ingress()],
            Key = "config",
            Writes = ["patch Route config/status"],
            Status = Programmed("IngressReady=True", "Ready=True"),
        },
        new("steady state") { Given = [s_config, s_revision, s_assigned, s_placeholder, Ingress()], Key = "config" },
        new("ingress mutated: made right again, and not ready until it is looked at")
        {
            Given = [s_config, s_revision, s_assigned, s_placeholder, Ingress(spec: $$"""{"httpOption":"Redirected","rules":[{"hosts":["elsewhere.test"],"visibility":"ExternalIP","http":{"paths":[{{Path}}]} }]}""")],
            Key = "config",
            Writes = ["patch Ingress config", "patch Route config/status"],
            Status = Programmed(Unconfigured, Unconfigured.Replace("IngressReady", "Ready", StringComparison.Ordinal)),
        },
        new("placeholder mutated: made right again")
        {
            Given = [s_config, s_revision, s_assigned, Placeholder("config", s_route, "elsewhere.test"), Ingress()],
            Key = "config",
            Writes = ["patch Service config"],
        },
        new("placeholder of another owner")
        {
            Given = [s_config, s_revision, s_route, Placeholder("config", s_config)],
            Key = "config",
            Writes = ["patch Route config/status"],
            Status = Programmed(
                """IngressReady=False NotOwned: There is an existing placeholder Service "config" that we do not own.""",
                """Ready=False NotOwned: There is an existing placeholder Service "config" that we do not own."""),
        },
        new("a tag that is no more takes its placeholder along")
        {
            Given = [s_config, s_revision, s_assigned, s_placeholder, Placeholder("old-config", s_route), Ingress()],
            Key = "config",
            Writes = ["delete Service old-config"],
        },
        new("new latest created revision changes nothing yet")
        {
            Given =
            [
                Some.Configuration("config", "config-00002", "config-00001", routes: "config"), s_revision,
                Some.Revision(s_config, 2, "Ready=Unknown", routes: "config"), s_assigned, s_placeholder, Ingress(),
            ],
            Key = "config",
        },
        new("new latest ready revision")
        {
            Given =
            [
                Some.Configuration("config", "config-00002", "config-00002", routes: "config"), s_revision,
                Some.Revision(s_config, 2, routes: "config"), s_assigned, s_placeholder, Ingress(),
            ],
            Key = "config",
            Writes = ["patch Ingress config", "patch Route config/status"],
            Status = Programmed(Unconfigured, Unconfigured.Replace("IngressReady", "Ready", StringComparison.Ordinal))
                .Replace("config-00001", "config-00002", StringComparison.Ordinal),
        },
        new("configuration missing")
        {
            Given = [s_route],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""False ConfigurationMissing: Configuration "config" referenced in traffic not found."""),
        },
        new("revision missing (direct)")
        {
            Given = [Some.Route("config", Some.Pinned("nobody"))],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""False RevisionMissing: Revision "nobody" referenced in traffic not found."""),
        },
        new("revision missing (indirect)")
        {
            Given = [s_config, s_route],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""False RevisionMissing: Revision "config-00001" referenced in traffic not found."""),
        },
        new("pinned revision not yet ready")
        {
            Given = [s_config, Some.Revision(s_config, conditions: "Ready=Unknown", routes: "config"), Some.Route("config", Some.Pinned("config-00001"))],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""Unknown RevisionMissing: Revision "config-00001" is not yet ready."""),
        },
        new("pinned revision failed")
        {
            Given = [s_config, Some.Revision(s_config, conditions: "Ready=False ExitCode1", routes: "config"), Some.Route("config", Some.Pinned("config-00001"))],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""False RevisionMissing: Revision "config-00001" failed to become ready."""),
        },
        new("a failure is said before what may still come")
        {
            Given =
            [
                s_config, Some.Revision(s_config, conditions: "Ready=Unknown", routes: "config"),
                Some.Route("config", """[{"revisionName":"config-00001","latestRevision":false,"percent":50},{"revisionName":"nobody","latestRevision":false,"percent":50}]"""),
            ],
            Writes = ["patch Route config/status"],
            Status = Unassigned("""False RevisionMissing: Revision "nobody" referenced in traffic not found."""),
        },
        new("a service's route stays with the service's revisions")
        {
            Given = [s_config, s_revision, s_service, Some.Route("hello", Some.Pinned("config-00001")).OwnedBy(s_service).Labelled("serving.knative.dev/service", "hello")],
            Writes = ["patch Route hello/status", "patch Revision config-00001", "patch Configuration config"],
            Status = Unassigned("""False RevisionNotOwned: Revision "config-00001" does not belong to Service "hello".""", "hello"),
        },
        new("an unready target keeps the traffic as it was")
        {
            Given =
            [
                s_config, s_revision, Some.Configuration("green", "green-00001", routes: "config"), s_placeholderRoute, s_placeholder, Ingress(),
            ],
            Key = "config",
            Writes = ["patch Route config/status"],
            Status = $"""
                {Url}
                {Latest}
                url: "http://config.default.localhost"
                AllTrafficAssigned=Unknown RevisionMissing: Configuration "green" is waiting for a Revision to become ready.
                {Tls}
                IngressReady=True
                Ready=Unknown RevisionMissing: Configuration "green" is waiting for a Revision to become ready.
                """,
        },
    ];

    public static TheoryData<string> Rows => Row.Names(s_rows);

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Route(string row) => s_rows.Single(r => r.Name == row).CheckAsync(Kinds.Route);

    private static Seed Placeholder(string name, Seed route, string host = "gateway-private.knative-serving.svc.cluster.local") => Some.Of(
        Kinds.Service, name, $$"""{"type":"ExternalName","externalName":"{{host}}","sessionAffinity":"None","ports":[{"name":"http2","port":80,"targetPort":80,"appProtocol":"kubernetes.io/h2c"}]}""")
        .OwnedBy(route).Labelled("serving.knative.dev/route", "config");

    private static Seed Ingress(string conditions = Some.Ready, string spec = "") => Some.Of(Kinds.KIngress, "config", spec.Length > 0 ? spec : $$"""
        {"httpOption":"Enabled","rules":[
          {"hosts":["config.default","config.default.svc","config.default.svc.cluster.local"],"visibility":"ClusterLocal","http":{"paths":[{{Path}}]} },
          {"hosts":["config.default.localhost"],"visibility":"ExternalIP","http":{"paths":[{{Path}}]} }]}
        """).With(conditions).OwnedBy(s_route).Labelled("serving.knative.dev/route", "config").Labelled("serving.knative.dev/routeNamespace", "default")
        .Annotated("networking.knative.dev/ingress.class", "serval.ingress.networking.knative.dev")
        .Annotated("networking.internal.knative.dev/rollout", Baseline);

    private static string Programmed(string ingress, string ready) => $"""
        {Url}
        {Latest}
        url: "http://config.default.localhost"
        AllTrafficAssigned=True
        {Tls}
        {ingress}
        {ready}
        """;

    private static string Unassigned(string why, string name = "config") => $"""
        observedGeneration: 1
        url: "http://{name}.default.localhost"
        AllTrafficAssigned={why}
        CertificateProvisioned=Unknown
        {Unconfigured}
        Ready={why}
        """;

    private static JsonObject Retargeted(Seed route, string configuration)
    {
        var copy = route.Object.DeepClone().AsObject();
        copy["spec"] = new JsonObject { ["traffic"] = JsonNode.Parse(Some.To(configuration)) };
        return copy;
    }
}
