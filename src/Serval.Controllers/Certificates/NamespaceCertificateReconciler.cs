using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Certificates;

/// <summary>
/// A wildcard Certificate a domain in each namespace that <c>namespace-wildcard-cert-selector</c> selects (serving: reconciler/nscert): its Routes need
/// none of their own.
/// </summary>
internal sealed class NamespaceCertificateReconciler(IKubeClient client, ServingConfigSource config, IEventRecorder events) : IReconciler
{
    private readonly EventReporter _events = new(events, "namespace-certificate-controller");

    public string Name => "namespace-certificate-controller";

    public ResourceKind Kind => Kinds.Namespace;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Certificate, change =>
            change.New.Metadata.Label(KnativeNames.WildcardDomainLabel) is null ? [] : [new ObjectKey("", change.New.Metadata.Namespace)]),
    ];

    public void Started(Action<ObjectKey> enqueue) => config.RunAll(client, Kinds.Namespace, enqueue);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.Namespace).Get(key) is not { Metadata.IsDeleting: false } space)
        {
            return ReconcileResult.Done;
        }
        var domains = config.Current.Network.NamespaceWildcardCertSelector is { } selector && selector.Matches(space.Metadata.Labels)
            ? config.Current.Domain.WildcardDomains
            : (IReadOnlySet<string>)new HashSet<string>();
        var present = client.Cache(Kinds.Certificate).List(key.Name).Where(c => c.Metadata.Label(KnativeNames.WildcardDomainLabel) is not null).ToList();
        var kept = new HashSet<string>(StringComparer.Ordinal);
        foreach (var domain in domains)
        {
            var host = config.Current.Network.HostFor("*", key.Name, domain, new Dictionary<string, string>(), new Dictionary<string, string>());
            if (!host.StartsWith("*.", StringComparison.Ordinal) || host.Length == 2)
            {
                _events.Warning(space, "InternalError", $"invalid DomainTemplate: {host}");
                continue;
            }
            kept.Add(host);
            if (!present.Exists(c => c.As<Certificate>().Spec.DnsNames.Contains(host)))
            {
                await CreateAsync(space, host, domain, ct);
            }
        }
        foreach (var stale in present.Where(c => c.Metadata.ControllerRef?.Uid == space.Metadata.Uid && !c.As<Certificate>().Spec.DnsNames.Any(kept.Contains)))
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.Certificate, stale, ct);
            _events.Normal(stale, "Deleted", $"Deleted Knative Certificate {stale.Key}");
        }
        return ReconcileResult.Done;
    }

    private async Task CreateAsync(KubeObject space, string host, string domain, CancellationToken ct)
    {
        try
        {
            var made = await OwnedObjects.EnsureAsync(client, Kinds.Certificate, Make(space, host, domain), Name, ct);
            _events.Normal(made, "Created", $"Created Knative Certificate {made.Key}");
        }
        catch (OwnerConflictException e)
        {
            _events.Warning(space, "InternalError", $"namespace {space.Metadata.Name} does not own Knative Certificate: {e.Key.Name}");
        }
        catch (ApiException e) when (e.IsRejection)
        {
            _events.Warning(space, "CreationFailed", $"Failed to create Knative certificate {space.Metadata.Name}/{host[2..]}: {e.Message}");
            throw;
        }
    }

    private JsonObject Make(KubeObject space, string host, string domain)
    {
        var annotations = new JsonObject
        {
            [KnativeNames.CertificateClassAnnotation] = KnativeNames.First(
                space.Metadata.Annotations, KnativeNames.CertificateClassAnnotation, KnativeNames.CertificateClassAltAnnotation) ?? config.Current.Network.CertificateClass,
        };
        var name = host[2..];
        var certificate = OwnedObjects.New(Kinds.Certificate, space, name, new JsonObject { [KnativeNames.WildcardDomainLabel] = domain }, annotations);
        certificate["metadata"]!["namespace"] = space.Metadata.Name;
        certificate["spec"] = new JsonObject { ["dnsNames"] = new JsonArray(host), ["domain"] = domain, ["secretName"] = name };
        return certificate;
    }
}
