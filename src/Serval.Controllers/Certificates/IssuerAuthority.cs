using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Certificates;

namespace Serval.Controllers.Certificates;

/// <summary>
/// The authority behind the built-in issuer. It is kept where cert-manager keeps the one of Knative's self-signed issuer, as programs look for it there
/// (knative/serving: test/e2e/encryption.go, test/util.go); one that somebody puts there is used. Not for several threads.
/// </summary>
internal sealed class IssuerAuthority(IKubeClient client, TimeProvider time)
{
    /// <summary>Certificate and key.</summary>
    internal static readonly ObjectKey Key = new("cert-manager", "ca-key-pair");

    /// <summary>The certificate alone, for who is to trust it.</summary>
    internal static readonly ObjectKey PublicKey = new("cert-manager", "knative-selfsigned-ca");

    private const string Subject = "serval-gateway-ca";
    private const string Manager = "certificate-controller";
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(180);
    private (KeyPair Pair, CertificateAuthority Authority)? _open;

    /// <summary>The authority; made when there is none, or when one made here ends soon or has not begun yet.</summary>
    /// <exception cref="CryptographicException">What is kept is of no use and was not made here.</exception>
    internal async Task<CertificateAuthority> OpenAsync(CancellationToken ct)
    {
        var stored = client.Cache(Kinds.Secret).Get(Key);
        var pair = stored is null ? null : SecretPair.Read(stored);
        if (stored is not null && pair is null)
        {
            throw new CryptographicException("it has no tls.crt or no tls.key");
        }
        if (pair is null || !IsValid(Open(pair)))
        {
            pair = await MakeAsync(stored, ct);
        }
        var authority = Open(pair);
        await EnsureAsync(PublicKey, "Opaque", new JsonObject { ["tls.crt"] = SecretPair.Encode(pair.CertificatePem), ["ca.crt"] = SecretPair.Encode(pair.CertificatePem) }, ct);
        return authority;
    }

    private CertificateAuthority Open(KeyPair pair)
    {
        if (_open is { } open && open.Pair == pair)
        {
            return open.Authority;
        }
        _open?.Authority.Dispose();
        _open = null;
        var authority = new CertificateAuthority(pair, time);
        _open = (pair, authority);
        return authority;
    }

    private bool IsValid(CertificateAuthority authority)
    {
        var (begins, ends) = authority.Validity;
        var now = time.GetUtcNow();
        if (authority.Certificate.Subject == $"CN={Subject}")
        {
            return begins <= now && now < ends - s_renewBefore;
        }
        return begins <= now && now < ends ? true : throw new CryptographicException($"it is valid from {begins:u} to {ends:u} only");
    }

    private async Task<KeyPair> MakeAsync(KubeObject? stored, CancellationToken ct)
    {
        var pair = CertificateAuthority.Generate(Subject, time);
        if (stored is null && client.Cache(Kinds.Namespace).Get(new ObjectKey("", Key.Namespace)) is null)
        {
            var space = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = Key.Namespace } };
            await client.CreateAsync(Kinds.Namespace, KubeObject.From(space), WriteOptions.By(Manager), ct);
        }
        await EnsureAsync(Key, "kubernetes.io/tls", SecretPair.Data(pair, pair.CertificatePem), ct);
        return pair;
    }

    private Task<KubeObject> EnsureAsync(ObjectKey key, string type, JsonObject data, CancellationToken ct) => OwnedObjects.EnsureAsync(client, Kinds.Secret, new JsonObject
    {
        ["apiVersion"] = "v1", ["kind"] = "Secret", ["type"] = type, ["data"] = data,
        ["metadata"] = new JsonObject { ["name"] = key.Name, ["namespace"] = key.Namespace },
    }, Manager, ct);
}
