using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Controllers.Certificates;
using Serval.Controllers.Serving;
using Serval.Kube;

namespace Serval.Controllers.Domains;

/// <summary>
/// DomainMapping → ClusterDomainClaim and Ingress (serving v1beta1: domainmapping_lifecycle, reconciler/domainmapping). What fails leaves what comes
/// after it as it was: a mapping whose target is gone keeps its Ingress.
/// </summary>
internal sealed class DomainMappingReconciler(
    IKubeClient client, ServingConfigSource config, Func<GatewayPorts> ports, IEventRecorder events, TimeProvider time, KnativeRules? rules = null) : IReconciler
{
    private const string Controller = "domainmapping-controller";

    private readonly StatusReport _report = new(time);
    private readonly EventReporter _events = new(events, Controller);
    private readonly MappingIndex _index = new();
    private readonly DomainClaims _claims = new(client, config, Controller);

    public string Name => Controller;

    public ResourceKind Kind => Kinds.DomainMapping;

    public IEnumerable<ReconcilerWatch> Watches =>
        [.. _index.Watches, ReconcilerWatch.Owned(Kinds.KIngress, Kinds.DomainMapping), ReconcilerWatch.Owned(Kinds.Certificate, Kinds.DomainMapping)];

    public void Started(Action<ObjectKey> enqueue)
    {
        config.RunAll(client, Kinds.DomainMapping, enqueue);
        config.RunAll(client, Kinds.ClusterDomainClaim, key =>
        {
            foreach (var mapping in client.Cache(Kinds.ClusterDomainClaim).Get(key) is { } claim ? _index.Concerned(claim) : [])
            {
                enqueue(mapping);
            }
        });
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.DomainMapping).Get(key) is not { Metadata.IsDeleting: false } stored)
        {
            await _claims.ReleaseAsync(key, ct);
            return ReconcileResult.Done;
        }
        var mapping = stored.As<DomainMapping>();
        var conditions = new ConditionSet(
            mapping.Status.Conditions, time.GetUtcNow(), "DomainClaimed", "ReferenceResolved", "IngressReady", "CertificateProvisioned");
        if (stored.Metadata.Generation != mapping.Status.ObservedGeneration)
        {
            ChildIngress.MarkUnconfigured(conditions);
        }
        var secure = await BuildAsync(stored, mapping.Spec.Ref, conditions, ct);
        var url = RouteHosts.PublicUrl(key.Name, config.Current, ports(), secure);
        var status = new JsonObject
        {
            ["observedGeneration"] = stored.Metadata.Generation,
            ["url"] = url,
            ["address"] = new JsonObject { ["url"] = url },
            ["conditions"] = conditions.ToJson(),
        };
        return await _report.WriteAsync(client, Kinds.DomainMapping, stored, status, conditions.Ready, Name, ct);
    }

    /// <summary>Returns whether it is reached with TLS.</summary>
    private async Task<bool> BuildAsync(KubeObject stored, KReference reference, ConditionSet conditions, CancellationToken ct)
    {
        var tls = MappingTls.None;
        if (rules?.WhyInvalid(Kinds.DomainMapping, stored) is { } why)
        {
            conditions.MarkFalse("DomainClaimed", "Rejected", why);
            return false;
        }
        if (await _claims.ClaimAsync(stored, ct) is { } refusal)
        {
            conditions.MarkFalse("DomainClaimed", refusal.Reason, refusal.Message);
            _events.Warning(stored, "InternalError", refusal.Told);
            return false;
        }
        conditions.MarkTrue("DomainClaimed");
        try
        {
            tls = await MappingTls.ProvideAsync(client, stored, config.Current.Network, conditions, _events, Name, ct);
            var target = MappingTarget.Of(client, stored.Metadata.Namespace, reference);
            conditions.MarkTrue("ReferenceResolved");
            ChildIngress.Mark(conditions, await ChildIngress.WriteAsync(client, stored, Ingress(stored, target, tls), _events, Name, ct));
        }
        catch (UnresolvedException e)
        {
            conditions.MarkFalse("ReferenceResolved", "ResolveFailed", e.Message);
            _events.Warning(stored, "InternalError", e.Told);
        }
        catch (OwnerConflictException e) when (e.Kind == Kinds.Certificate)
        {
            _events.Warning(stored, "InternalError", e.Message);
        }
        catch (OwnerConflictException e)
        {
            conditions.MarkFalse("IngressReady", "NotOwned", $"There is an existing {e.Kind.Kind} \"{e.Key.Name}\" that we do not own.");
            _events.Warning(stored, "InternalError", e.Message);
        }
        catch (FormatException e)
        {
            conditions.MarkFalse("IngressReady", "IngressNotConfigured", $"{e.Message}; the Ingress stays as it was");
            _events.Warning(stored, "InternalError", e.Message);
        }
        catch (ApiException e) when (e.IsRejection && conditions.IsFalse("CertificateProvisioned"))
        {
            _events.Warning(stored, "InternalError", $"failed to write Certificate: {e.Message}");
        }
        return tls.IsSecure;
    }

    /// <summary>The name, rewritten to that of the target inside the cluster (serving: reconciler/domainmapping/resources/ingress).</summary>
    private JsonObject Ingress(KubeObject mapping, MappingTarget target, MappingTls tls)
    {
        var (name, ns) = (mapping.Metadata.Name, mapping.Metadata.Namespace);
        var labels = JsonMaps.ToJson(mapping.Metadata.Labels);
        labels[KnativeNames.DomainMappingUidLabel] = mapping.Metadata.Uid;
        labels[KnativeNames.DomainMappingNamespaceLabel] = ns;
        var split = new JsonObject
        {
            ["serviceNamespace"] = ns,
            ["serviceName"] = target.Service,
            ["servicePort"] = 80,
            ["percent"] = 100,
            ["appendHeaders"] = new JsonObject { [KnativeNames.OriginalHostHeader] = name },
        };
        var own = tls.Challenges.Where(c => HostOf(c) == name).Select(ChildCertificate.ChallengePath);
        var rules = new JsonArray(Rule(name, [.. own, new JsonObject { ["rewriteHost"] = target.Host, ["splits"] = new JsonArray(split) }]));
        foreach (var other in tls.Challenges.Where(c => HostOf(c) != name))
        {
            rules.Add(Rule(HostOf(other), ChildCertificate.ChallengePath(other)));
        }
        return IngressMaker.New(
            mapping, labels, IngressMaker.Annotations(mapping, config.Current), rules, config.Current, tls.Entry is { } entry ? [entry] : (JsonObject[])[]);
    }

    private static string HostOf(Http01Challenge challenge) => new Uri(challenge.Url).Host;

    private static JsonObject Rule(string host, params JsonNode[] paths) => new()
    {
        ["hosts"] = new JsonArray(host), ["visibility"] = "ExternalIP", ["http"] = new JsonObject { ["paths"] = new JsonArray(paths) },
    };
}
