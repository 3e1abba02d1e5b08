using System.Text;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>A share of a rule, ready for use: its gate, and the bytes it adds to requests.</summary>
internal sealed class CompiledBackend
{
    public CompiledBackend(RouteRule rule, WeightedBackend share, Gate gate)
    {
        Gate = gate;
        Weight = Math.Max(0, share.Weight);
        RewriteHost = HttpParser.IsHost(Encoding.UTF8.GetBytes(rule.RewriteHost)) ? rule.RewriteHost : "";
        Headers = new Dictionary<string, string>(rule.AppendHeaders.Concat(share.AppendHeaders).Where(IsProper).GroupBy(h => h.Key, StringComparer.OrdinalIgnoreCase)
            .Select(g => g.Last()), StringComparer.OrdinalIgnoreCase);
        HeaderNames = [.. Headers.Keys.Select(Encoding.ASCII.GetBytes)];
        HeaderBytes = Encoding.UTF8.GetBytes(string.Concat(Headers.Select(h => $"{h.Key}: {h.Value}\r\n")));
        HostBytes = Encoding.ASCII.GetBytes(RewriteHost);
    }

    public Gate Gate { get; }

    public int Weight { get; }

    public string RewriteHost { get; }

    /// <summary>Empty: keep the client's.</summary>
    public byte[] HostBytes { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Set on requests, replacing the client's.</summary>
    public byte[][] HeaderNames { get; }

    public byte[] HeaderBytes { get; }

    public bool Replaces(ReadOnlySpan<byte> name)
    {
        foreach (var own in HeaderNames)
        {
            if (own.Length == name.Length && Ascii.EqualsIgnoreCase(own, name))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>A header that would break the message is left out; the API's validation reports it.</summary>
    private static bool IsProper(KeyValuePair<string, string> header) =>
        HttpParser.IsField(Encoding.UTF8.GetBytes($"{header.Key}:{header.Value}"), out var known)
        && known is not (KnownHeader.ContentLength or KnownHeader.TransferEncoding or KnownHeader.Host or KnownHeader.Connection
            or KnownHeader.Upgrade or KnownHeader.Expect);
}
