using Serval.Api;
using Serval.Controllers.Certificates;
using Serval.Kube;
using Serval.Routing;
using Serval.Routing.Knative;

namespace Serval.Controllers.Networking;

/// <summary>
/// Ingresses' certificates: host → Secret → one table. A host is served with the certificate of the oldest Ingress that has one for it. A Secret that
/// cannot be read any more, or is gone, goes on to serve with what it held last; that is in memory. Of the feed's worker alone.
/// </summary>
internal sealed class TlsFeed(IKubeClient client)
{
    private readonly Dictionary<string, List<CompiledIngress>> _claims = new(StringComparer.Ordinal); // by host; the oldest first
    private readonly Dictionary<ObjectKey, HeldSecret> _secrets = [];
    private TlsTable _table = TlsTable.Empty;

    /// <summary>The table; null when nothing changed since the last one.</summary>
    internal TlsTable? Take()
    {
        var changed = Changed;
        Changed = false;
        return changed ? _table : null;
    }

    internal bool Changed { get; private set; }

    /// <summary>An Ingress came, changed or went.</summary>
    internal void Set(CompiledIngress? before, CompiledIngress? after)
    {
        foreach (var (host, _) in before?.Tls ?? [])
        {
            if (_claims.TryGetValue(host, out var claims) && claims.RemoveAll(c => c.Key == before!.Key) > 0 && claims.Count == 0)
            {
                _claims.Remove(host);
            }
        }
        foreach (var (host, _) in after?.Tls ?? [])
        {
            if (!_claims.TryGetValue(host, out var claims))
            {
                _claims[host] = claims = [];
            }
            var index = claims.FindIndex(after!.Precedes);
            claims.Insert(index < 0 ? claims.Count : index, after);
        }
        foreach (var (_, secret) in after?.Tls ?? [])
        {
            Use(secret, after!.Key);
        }
        foreach (var secret in (before?.Tls ?? []).Select(t => t.Value).Except((after?.Tls ?? []).Select(t => t.Value)))
        {
            if (_secrets[secret].Users.Remove(before!.Key) && _secrets[secret].Users.Count == 0)
            {
                _secrets.Remove(secret);
            }
        }
        Settle((before?.Tls ?? []).Concat(after?.Tls ?? []).Select(t => t.Key));
    }

    /// <summary>A Secret changed. Returns the Ingresses it is of concern to.</summary>
    internal IReadOnlyCollection<ObjectKey> Read(ObjectKey secret)
    {
        if (!_secrets.TryGetValue(secret, out var held))
        {
            return [];
        }
        Read(secret, held);
        Settle(_claims.Where(c => c.Value.Exists(i => held.Users.Contains(i.Key))).Select(c => c.Key).ToList());
        return held.Users;
    }

    /// <summary>What is wrong with an Ingress's certificates, each a sentence.</summary>
    internal IReadOnlyList<string> Problems(CompiledIngress ingress) =>
    [
        .. ingress.Tls.Select(t => t.Value).Distinct().Where(_secrets.ContainsKey).Select(s => (Key: s, Held: _secrets[s])).Where(s => s.Held.Problem.Length > 0)
            .Select(s => $"Secret {s.Key} {s.Held.Problem}{(s.Held.Good is null ? ": its hosts are not served over TLS." : " (the last good certificate keeps serving).")}"),
    ];

    private void Use(ObjectKey secret, ObjectKey ingress)
    {
        if (!_secrets.TryGetValue(secret, out var held))
        {
            _secrets[secret] = held = new HeldSecret();
            Read(secret, held);
        }
        held.Users.Add(ingress);
    }

    private void Read(ObjectKey secret, HeldSecret held)
    {
        if (client.Cache(Kinds.Secret).Get(secret) is not { } stored)
        {
            held.Problem = "does not exist";
            return;
        }
        if (SecretPair.Read(stored) is not { } pair)
        {
            held.Problem = "has no tls.crt or no tls.key";
            return;
        }
        if (pair == held.Pair)
        {
            held.Problem = "";
            return;
        }
        held.Problem = "";
        if (ServerCertificate.TryRead(pair.CertificatePem, pair.KeyPem, out var certificate, out var problem))
        {
            (held.Pair, held.Good) = (pair, certificate);
        }
        else
        {
            held.Problem = $"is of no use: {problem}";
        }
    }

    private void Settle(IEnumerable<string> hosts)
    {
        foreach (var host in hosts.Distinct().ToList())
        {
            var certificate = _claims.GetValueOrDefault(host, []).Select(i => CertificateOf(i, host)).FirstOrDefault(c => c is not null);
            if (_table.Hosts.GetValueOrDefault(host) != certificate)
            {
                _table = _table.With(host, certificate);
                Changed = true;
            }
        }
    }

    private ServerCertificate? CertificateOf(CompiledIngress ingress, string host) =>
        ingress.Tls.Where(t => t.Key == host).Select(t => _secrets[t.Value].Good).FirstOrDefault(c => c is not null);

    private sealed class HeldSecret
    {
        public HashSet<ObjectKey> Users { get; } = [];

        /// <summary>What the certificate in force was read from.</summary>
        public Kube.Certificates.KeyPair? Pair { get; set; }

        public ServerCertificate? Good { get; set; }

        /// <summary>Why what is stored now is not in force; empty when it is.</summary>
        public string Problem { get; set; } = "";
    }
}
