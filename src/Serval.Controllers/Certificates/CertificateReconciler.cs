using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;
using Serval.Kube.Certificates;

namespace Serval.Controllers.Certificates;

/// <summary>
/// The built-in issuer: Certificate → Secret, signed by an authority of Serval's own. A Secret that is deleted, edited, near its end or not valid by the
/// clock is written anew.
/// </summary>
internal sealed class CertificateReconciler(IKubeClient client, ServingConfigSource config, IEventRecorder events, TimeProvider time) : IReconciler
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromDays(90);

    /// <summary>A timer knows no clock that is set: it is looked at after this time.</summary>
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(1);

    private readonly IssuerAuthority _authority = new(client, time);
    private readonly EventReporter _events = new(events, "certificate-controller");

    public string Name => "certificate-controller";

    public ResourceKind Kind => Kinds.Certificate;

    /// <summary>The authority is of one thread.</summary>
    public int Concurrency => 1;

    public IEnumerable<ReconcilerWatch> Watches =>
    [
        new ReconcilerWatch(Kinds.Secret, Concerned),
        new ReconcilerWatch(Kinds.ConfigMap, change =>
            change.New.Key == new ObjectKey(KnativeNames.SystemNamespace, NetworkConfig.MapName) ? [IssuerAuthority.Key] : []),
    ];

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (key == IssuerAuthority.Key)
        {
            if (config.Current.Network is { ExternalDomainTls: true } or { ClusterLocalDomainTls: true } or { SystemInternalTls: true })
            {
                await TryOpenAsync(ct); // programs look for it as soon as there is TLS
            }
            return ReconcileResult.Done;
        }
        if (client.Cache(Kinds.Certificate).Get(key) is not { Metadata.IsDeleting: false } stored || !IsOurs(stored))
        {
            return ReconcileResult.Done;
        }
        var certificate = stored.As<Certificate>();
        var conditions = new ConditionSet(certificate.Status.Conditions, time.GetUtcNow());
        var ends = await ProvideAsync(stored, certificate.Spec, conditions, ct);
        var status = new JsonObject { ["observedGeneration"] = stored.Metadata.Generation, ["conditions"] = conditions.ToJson() };
        if (ends is { } end)
        {
            status["notAfter"] = KubeTime.Text(end.NotAfter);
        }
        await OwnedObjects.PatchStatusAsync(client, Kinds.Certificate, stored, status, Name, ct);
        return ends is { Renew: var renew } && renew - time.GetUtcNow() is var wait && wait < s_longestWait
            ? ReconcileResult.After(wait > TimeSpan.Zero ? wait : TimeSpan.Zero)
            : ReconcileResult.After(s_longestWait);
    }

    private async Task<(DateTimeOffset NotAfter, DateTimeOffset Renew)?> ProvideAsync(
        KubeObject stored, CertificateSpec spec, ConditionSet conditions, CancellationToken ct)
    {
        try
        {
            var (authority, problem) = await TryOpenAsync(ct);
            if (authority is null)
            {
                conditions.MarkFalse("Ready", "AuthorityUnusable", problem);
                return null;
            }
            var present = client.Cache(Kinds.Secret).Get(new ObjectKey(stored.Metadata.Namespace, spec.SecretName));
            var term = present?.Metadata.ControllerRef?.Uid == stored.Metadata.Uid ? TermOf(present, spec, authority) : null;
            if (term is null)
            {
                var pair = Issue(spec, authority);
                var secret = await OwnedObjects.EnsureAsync(client, Kinds.Secret, Secret(stored, spec, pair, authority), Name, ct);
                term = TermOf(secret, spec, authority);
                _events.Normal(stored, "Issued", $"Issued a certificate for {string.Join(", ", spec.DnsNames)} into Secret {spec.SecretName}");
            }
            conditions.MarkTrue("Ready");
            return term;
        }
        catch (OwnerConflictException)
        {
            conditions.MarkFalse("Ready", "NotOwned", $"There is an existing Secret \"{spec.SecretName}\" that we do not own.");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            conditions.MarkFalse("Ready", "IssueFailed", $"No certificate can be made for {string.Join(", ", spec.DnsNames)}: {e.Message}");
        }
        return null;
    }

    private async Task<(CertificateAuthority? Authority, string Problem)> TryOpenAsync(CancellationToken ct)
    {
        try
        {
            return (await _authority.OpenAsync(ct), "");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return (null, $"Secret {IssuerAuthority.Key} cannot sign certificates: {e.Message}; give it an ECDSA certificate and key of an authority, or delete it to have one made.");
        }
    }

    /// <summary>When the Secret's certificate ends and is renewed; null when it is not as it should be, or due.</summary>
    private (DateTimeOffset NotAfter, DateTimeOffset Renew)? TermOf(KubeObject secret, CertificateSpec spec, CertificateAuthority authority)
    {
        if (SecretPair.Read(secret) is not { } pair || SecretPair.Text(secret, "ca.crt") != authority.CertificatePem
            || !pair.CertificatePem.EndsWith(authority.CertificatePem, StringComparison.Ordinal))
        {
            return null;
        }
        try
        {
            using var leaf = pair.ToCertificate();
            var (begins, ends) = (new DateTimeOffset(leaf.NotBefore.ToUniversalTime()), new DateTimeOffset(leaf.NotAfter.ToUniversalTime()));
            var renew = begins + ((ends - begins) * 2 / 3);
            var now = time.GetUtcNow();
            return begins <= now && now < renew && NamesOf(leaf).SetEquals(spec.DnsNames) && authority.Signed(leaf, CertificateAuthority.ServerUse, now.UtcDateTime)
                ? (ends, renew)
                : null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return null; // no PEM, or the halves are not each other's
        }
    }

    private static HashSet<string> NamesOf(X509Certificate2 leaf) =>
        [.. leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames())];

    private static KeyPair Issue(CertificateSpec spec, CertificateAuthority authority)
    {
        var name = spec.DnsNames[0].Length <= 64 ? spec.DnsNames[0] : "serval"; // the names count, not this one
        var pair = authority.IssueServer(name, spec.DnsNames, s_lifetime);
        return pair with { CertificatePem = pair.CertificatePem + authority.CertificatePem };
    }

    private static JsonObject Secret(KubeObject owner, CertificateSpec spec, KeyPair pair, CertificateAuthority authority)
    {
        var secret = OwnedObjects.New(Kinds.Secret, owner, spec.SecretName, new JsonObject { [KnativeNames.CertificateUidLabel] = owner.Metadata.Uid });
        secret["type"] = "kubernetes.io/tls";
        secret["data"] = SecretPair.Data(pair, authority.CertificatePem);
        return secret;
    }

    /// <summary>Of another class is for another issuer; cert-manager's is taken too, as programs that ask for it want a certificate.</summary>
    private bool IsOurs(KubeObject stored) =>
        (KnativeNames.First(stored.Metadata.Annotations, KnativeNames.CertificateClassAnnotation, KnativeNames.CertificateClassAltAnnotation)
            ?? config.Current.Network.CertificateClass) is NetworkConfig.ServalCertificateClass or NetworkConfig.CertManagerCertificateClass;

    private IEnumerable<ObjectKey> Concerned(CacheChange change)
    {
        var secret = change.New;
        if (secret.Key == IssuerAuthority.Key || secret.Key == IssuerAuthority.PublicKey)
        {
            return client.Cache(Kinds.Certificate).List().Select(c => c.Key).Append(IssuerAuthority.Key);
        }
        return client.Cache(Kinds.Certificate).List(secret.Metadata.Namespace).Where(c => c.As<Certificate>().Spec.SecretName == secret.Metadata.Name).Select(c => c.Key);
    }
}
