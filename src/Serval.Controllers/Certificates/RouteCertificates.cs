using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Serving;
using Serval.Kube;

namespace Serval.Controllers.Certificates;

/// <summary>The Certificates of a Route's hosts, and what its condition CertificateProvisioned says of them (serving: reconciler/route).</summary>
internal sealed class RouteCertificates(IKubeClient client, EventReporter events, string manager)
{
    /// <summary>Certificates concern their Route, wildcards every Route of their namespace.</summary>
    internal IEnumerable<ReconcilerWatch> Watches =>
    [
        ReconcilerWatch.Owned(Kinds.Certificate, Kinds.Route),
        new ReconcilerWatch(Kinds.Certificate, change => change.New.Metadata.Label(KnativeNames.WildcardDomainLabel) is null
            ? [] : client.Cache(Kinds.Route).List(change.New.Metadata.Namespace).Select(o => o.Key)),
    ];

    /// <summary>Makes the Certificates, deletes those of hosts that are no more, and says how far they are.</summary>
    /// <exception cref="OwnerConflictException">There is a Certificate of another's in the place of one.</exception>
    /// <exception cref="ApiException">One was refused.</exception>
    internal async Task<RouteTls> ProvideAsync(KubeObject route, IEnumerable<string> tags, RouteHosts hosts, ConditionSet conditions, CancellationToken ct)
    {
        var network = hosts.Config.Network;
        var external = network.ExternalDomainTls && !ChildCertificate.IsDeclined(route);
        if (!external && !network.ClusterLocalDomainTls)
        {
            ChildCertificate.MarkNotEnabled(conditions);
            return RouteTls.None;
        }
        var wanted = tags.SelectMany(t => Wanted(route, t, hosts, external)).ToList();
        (int Rank, Action Mark) worst = wanted.Count > 0
            ? (0, () => conditions.MarkTrue(ChildCertificate.Condition))
            : (0, () => ChildCertificate.MarkNotEnabled(conditions, "TLS is not enabled for cluster-local"));
        var (entries, secure, challenges) = (new List<JsonObject>(), new HashSet<string>(StringComparer.Ordinal), new List<Http01Challenge>());
        foreach (var want in wanted)
        {
            var certificate = Wildcard(route, want) ?? await WriteAsync(route, want, network, conditions, ct);
            var status = certificate.As<Certificate>().Status;
            var isReady = ChildCertificate.IsReady(certificate);
            if (isReady)
            {
                entries.Add(ChildCertificate.Entry(want.Hosts, certificate.As<Certificate>().Spec.SecretName, certificate.Metadata.Namespace));
            }
            else if (NotReady(certificate, want, network, conditions) is var state && state.Rank > worst.Rank)
            {
                worst = state;
            }
            if (isReady || (want.IsPublic && network.HttpProtocol != HttpProtocol.Enabled))
            {
                secure.UnionWith(want.Hosts);
            }
            if (!isReady || status.Conditions.Any(c => c is { Type: "Renewing", Status: "True" }))
            {
                challenges.AddRange(status.Http01Challenges);
            }
        }
        worst.Mark();
        await DeleteOrphansAsync(route, wanted, external, network.ClusterLocalDomainTls, ct);
        return new RouteTls(entries, secure, challenges);
    }

    private static IEnumerable<WantedCertificate> Wanted(KubeObject route, string tag, RouteHosts hosts, bool external)
    {
        var name = $"route-{route.Metadata.Uid}" + (tag.Length == 0 ? "" : $"-{Adler32(tag)}");
        if (external && !hosts.IsClusterLocal(tag))
        {
            yield return new WantedCertificate(name, KnativeNames.ExternalDomainCertificate, [hosts.External(tag)], hosts.Domain);
        }
        if (hosts.Config.Network.ClusterLocalDomainTls)
        {
            yield return new WantedCertificate(
                name + "-local", KnativeNames.ClusterLocalDomainCertificate, hosts.InternalForms(tag), "svc." + KnativeNames.ClusterDomain);
        }
    }

    /// <summary>How bad it is, and what the condition then says. Where plain HTTP is served, a public host goes on with that.</summary>
    private static (int Rank, Action Mark) NotReady(KubeObject certificate, WantedCertificate want, NetworkConfig network, ConditionSet conditions)
    {
        var (name, status) = (certificate.Metadata.Name, certificate.As<Certificate>().Status);
        if (want.IsPublic && network.HttpProtocol == HttpProtocol.Enabled)
        {
            return (1, () => ChildCertificate.MarkDowngraded(conditions, name));
        }
        var ready = status.Conditions.FirstOrDefault(c => c.Type == "Ready");
        return status.ObservedGeneration == certificate.Metadata.Generation && ready is { Status: "False" }
            ? (3, () => conditions.MarkFalse(ChildCertificate.Condition, "CertificateProvisionFailed", $"Certificate {name} fails to be provisioned: {ready.Reason}"))
            : (2, () => conditions.MarkUnknown(ChildCertificate.Condition, "CertificateNotReady", $"Certificate {name} is not ready: {ready?.Reason}"));
    }

    /// <summary>A wildcard certificate of the namespace that is for the host too.</summary>
    private KubeObject? Wildcard(KubeObject route, WantedCertificate want) => !want.IsPublic ? null
        : client.Cache(Kinds.Certificate).List(route.Metadata.Namespace).FirstOrDefault(c =>
            c.Metadata.Label(KnativeNames.WildcardDomainLabel) == want.Domain
            && want.Hosts[0].IndexOf('.', StringComparison.Ordinal) is > 0 and var dot
            && c.As<Certificate>().Spec.DnsNames.Contains("*" + want.Hosts[0][dot..]));

    private Task<KubeObject> WriteAsync(KubeObject route, WantedCertificate want, NetworkConfig network, ConditionSet conditions, CancellationToken ct)
    {
        var labels = new JsonObject { [KnativeNames.RouteLabel] = route.Metadata.Name, [KnativeNames.CertificateTypeLabel] = want.Type };
        var desired = ChildCertificate.Make(route, want.Name, labels, want.Hosts, want.Domain, network);
        return ChildCertificate.WriteAsync(client, route, desired, conditions, $"Certificate {want.Name} fails to be provisioned: ", events, manager, ct);
    }

    private async Task DeleteOrphansAsync(KubeObject route, List<WantedCertificate> wanted, bool external, bool local, CancellationToken ct)
    {
        foreach (var orphan in client.Cache(Kinds.Certificate).OwnedBy(route.Metadata.Uid))
        {
            var type = orphan.Metadata.Label(KnativeNames.CertificateTypeLabel);
            var names = orphan.As<Certificate>().Spec.DnsNames;
            if ((type == KnativeNames.ExternalDomainCertificate && external || type == KnativeNames.ClusterLocalDomainCertificate && local)
                && !wanted.Exists(w => w.Type == type && w.Hosts.Intersect(names).Any()))
            {
                await OwnedObjects.DeleteIfPresentAsync(client, Kinds.Certificate, orphan, ct);
                events.Normal(orphan, "Deleted", $"Deleted orphaned Knative Certificate {orphan.Key}");
            }
        }
    }

    /// <summary>RFC 1950, section 9.</summary>
    private static uint Adler32(string text)
    {
        var (a, b) = (1u, 0u);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            a = (a + octet) % 65521;
            b = (b + a) % 65521;
        }
        return (b << 16) | a;
    }

    /// <summary>A Certificate that some host of a Route wants.</summary>
    /// <param name="Name">Its name, and that of the Secret.</param>
    /// <param name="Type">Its certificate-type.</param>
    /// <param name="Hosts">Its names.</param>
    /// <param name="Domain">What they are below.</param>
    private sealed record WantedCertificate(string Name, string Type, IReadOnlyList<string> Hosts, string Domain)
    {
        internal bool IsPublic => Type == KnativeNames.ExternalDomainCertificate;
    }
}
