using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Certificates;
using Serval.Kube;

namespace Serval.Controllers.Domains;

/// <summary>What a mapping is served with (serving: reconciler/domainmapping tls).</summary>
/// <param name="IsSecure">Its URL is one of HTTPS.</param>
/// <param name="Entry">Of the Ingress's <c>spec.tls</c>; null while there is no certificate.</param>
/// <param name="Challenges">What an ACME server asks for, when there is none yet.</param>
internal sealed record MappingTls(bool IsSecure, JsonObject? Entry, IReadOnlyList<Http01Challenge> Challenges)
{
    /// <summary>Without TLS.</summary>
    internal static MappingTls None { get; } = new(false, null, []);

    /// <summary>Sees to the certificate, and says in the condition how it is with it.</summary>
    /// <exception cref="OwnerConflictException">There is a Certificate of another's in its place.</exception>
    /// <exception cref="ApiException">The Certificate was refused.</exception>
    internal static async Task<MappingTls> ProvideAsync(
        IKubeClient client, KubeObject stored, NetworkConfig network, ConditionSet conditions, EventReporter events, string manager, CancellationToken ct)
    {
        var host = stored.Metadata.Name;
        if (stored.As<DomainMapping>().Spec.Tls is { } own)
        {
            conditions.MarkTrue(ChildCertificate.Condition, "CertificateExternallyProvided", "TLS certificate was provided externally");
            return new MappingTls(true, NewEntry(stored, own.SecretName), []);
        }
        if (!network.ExternalDomainTls || ChildCertificate.IsDeclined(stored))
        {
            ChildCertificate.MarkNotEnabled(conditions);
            return None;
        }
        var name = ChildNames.Of(host, "");
        var labels = new JsonObject
        {
            [KnativeNames.DomainMappingUidLabel] = stored.Metadata.Uid, // upstream puts the name there, which may be too long for a label
            [KnativeNames.CertificateTypeLabel] = KnativeNames.ExternalDomainCertificate,
        };
        var desired = ChildCertificate.Make(stored, name, labels, [host], host, network);
        var certificate = await ChildCertificate.WriteAsync(client, stored, desired, conditions, $"Certificate {name} failed to be provisioned.", events, manager, ct);
        return Of(certificate, stored, network, conditions);
    }

    private static MappingTls Of(KubeObject certificate, KubeObject mapping, NetworkConfig network, ConditionSet conditions)
    {
        var name = certificate.Metadata.Name;
        if (ChildCertificate.IsReady(certificate))
        {
            conditions.MarkTrue(ChildCertificate.Condition);
            return new MappingTls(true, NewEntry(mapping, name), []);
        }
        var challenges = certificate.As<Certificate>().Status.Http01Challenges;
        if (network.HttpProtocol == HttpProtocol.Enabled)
        {
            ChildCertificate.MarkDowngraded(conditions, name);
            return new MappingTls(false, null, challenges);
        }
        conditions.MarkUnknown(ChildCertificate.Condition, "CertificateNotReady", $"Certificate {name} is not ready.");
        return new MappingTls(true, null, challenges);
    }

    private static JsonObject NewEntry(KubeObject mapping, string secret) => ChildCertificate.Entry([mapping.Metadata.Name], secret, mapping.Metadata.Namespace);
}
