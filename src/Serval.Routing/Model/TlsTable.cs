using System.Collections.Immutable;

namespace Serval.Routing;

/// <summary>Which certificate a host is served with. Immutable.</summary>
public sealed class TlsTable
{
    private readonly ImmutableDictionary<string, ServerCertificate> _hosts;

    private TlsTable(ImmutableDictionary<string, ServerCertificate> hosts) => _hosts = hosts;

    /// <summary>No certificates.</summary>
    public static TlsTable Empty { get; } = new(ImmutableDictionary.Create<string, ServerCertificate>(StringComparer.Ordinal));

    /// <summary>By host, lower case; <c>*.suffix</c> for wildcards.</summary>
    public IReadOnlyDictionary<string, ServerCertificate> Hosts => _hosts;

    /// <summary>This table with the certificate of a host replaced, or removed where it is null.</summary>
    public TlsTable With(string host, ServerCertificate? certificate) =>
        new(certificate is null ? _hosts.Remove(host) : _hosts.SetItem(host, certificate));

    /// <summary>The certificate for a server name: an exact host, else a wildcard in place of its first label (RFC 6125, section 6.4.3).</summary>
    public ServerCertificate? Find(string serverName)
    {
        var host = serverName.ToLowerInvariant().TrimEnd('.');
        if (_hosts.TryGetValue(host, out var exact))
        {
            return exact;
        }
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 ? _hosts.GetValueOrDefault(string.Concat("*", host.AsSpan(dot))) : null;
    }
}
