using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Serving;
using Serval.Kube;

namespace Serval.Controllers.Certificates;

/// <summary>The Certificate of a host that a Route or a DomainMapping answers to (serving: reconciler/route/resources/certificate, reconciler/accessor/networking).</summary>
internal static class ChildCertificate
{
    /// <summary>What the owner's status says of it.</summary>
    internal const string Condition = "CertificateProvisioned";

    /// <summary>Whether the owner's annotations want no certificate for its public hosts; what cannot be read wants one.</summary>
    internal static bool IsDeclined(KubeObject owner) => KnativeNames.First(
        owner.Metadata.Annotations, KnativeNames.DisableAutoTlsAnnotation, KnativeNames.DisableAutoTlsAltAnnotation, KnativeNames.DisableExternalDomainTlsAnnotation)
        is "1" or "t" or "T" or "TRUE" or "true" or "True"; // strconv.ParseBool

    /// <summary>A Certificate whose Secret has its name.</summary>
    /// <param name="owner">The Route or DomainMapping.</param>
    /// <param name="name">Of the Certificate.</param>
    /// <param name="labels">What it carries.</param>
    /// <param name="dnsNames">The hosts.</param>
    /// <param name="domain">What they are below.</param>
    /// <param name="network">Names the class where the owner does not.</param>
    internal static JsonObject Make(KubeObject owner, string name, JsonObject labels, IEnumerable<string> dnsNames, string domain, NetworkConfig network)
    {
        var annotations = IngressMaker.PassedOn(owner);
        annotations[KnativeNames.CertificateClassAnnotation] = KnativeNames.First(
            owner.Metadata.Annotations, KnativeNames.CertificateClassAnnotation, KnativeNames.CertificateClassAltAnnotation) ?? network.CertificateClass;
        var certificate = OwnedObjects.New(Kinds.Certificate, owner, name, labels, annotations);
        certificate["spec"] = new JsonObject { ["dnsNames"] = new JsonArray([.. dnsNames.Select(n => (JsonNode)n)]), ["domain"] = domain, ["secretName"] = name };
        return certificate;
    }

    /// <summary>The Certificate as it should be. Its making and changes are told, and in the condition why it could not be written.</summary>
    /// <exception cref="OwnerConflictException">A Certificate of that name is another's.</exception>
    /// <exception cref="ApiException">It was refused.</exception>
    internal static async Task<KubeObject> WriteAsync(
        IKubeClient client, KubeObject owner, JsonObject desired, ConditionSet conditions, string refused, EventReporter events, string manager, CancellationToken ct)
    {
        var key = new ObjectKey(owner.Metadata.Namespace, (string)desired["metadata"]!["name"]!);
        var present = client.Cache(Kinds.Certificate).Get(key);
        try
        {
            var written = await OwnedObjects.MirrorAsync(client, Kinds.Certificate, desired, _ => false, manager, ct);
            if (present is null)
            {
                events.Normal(owner, "Created", $"Created Certificate {key}");
            }
            else if (written != present)
            {
                events.Normal(owner, "Updated", $"Updated Spec for Certificate {key}");
            }
            return written;
        }
        catch (OwnerConflictException)
        {
            conditions.MarkFalse(Condition, "CertificateNotOwned", $"There is an existing certificate {key.Name} that we don't own.");
            throw;
        }
        catch (ApiException e) when (e.IsRejection)
        {
            conditions.MarkFalse(Condition, "CertificateProvisionFailed", refused);
            events.Warning(owner, present is null ? "CreationFailed" : "UpdateFailed", $"Failed to {(present is null ? "create" : "update")} Certificate {key}: {e.Message}");
            throw;
        }
    }

    /// <summary>Whether it is ready for what it asks now.</summary>
    internal static bool IsReady(KubeObject certificate)
    {
        var status = certificate.As<Certificate>().Status;
        return status.ObservedGeneration == certificate.Metadata.Generation && status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });
    }

    internal static void MarkNotEnabled(ConditionSet conditions, string message = "external-domain-tls is not enabled") =>
        conditions.MarkTrue(Condition, "TLSNotEnabled", message);

    internal static void MarkDowngraded(ConditionSet conditions, string name) =>
        conditions.MarkTrue(Condition, "HTTPDowngrade", $"Certificate {name} is not ready downgrade HTTP.");

    /// <summary>An entry of an Ingress's <c>spec.tls</c>.</summary>
    internal static JsonObject Entry(IEnumerable<string> hosts, string secret, string @namespace) => new()
    {
        ["hosts"] = new JsonArray([.. hosts.Select(h => (JsonNode)h)]), ["secretName"] = secret, ["secretNamespace"] = @namespace,
    };

    /// <summary>Where an ACME server finds the answer to a challenge, as a path of an Ingress.</summary>
    internal static JsonObject ChallengePath(Http01Challenge challenge) => new()
    {
        ["path"] = new Uri(challenge.Url).AbsolutePath,
        ["splits"] = new JsonArray(new JsonObject
        {
            ["serviceNamespace"] = challenge.ServiceNamespace,
            ["serviceName"] = challenge.ServiceName,
            ["servicePort"] = challenge.ServicePort is { } port ? JsonNode.Parse(port.GetRawText()) : null,
            ["percent"] = 100,
        }),
    };
}
