using System.Text;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>A share of a rule, ready for use: its gate, and the bytes it adds to requests.</summary>
internal sealed class CompiledBackend
{
    /// <summary>
    /// What upstream's gateway, activator and queue proxy say to each other (knative/serving pkg/activator, knative/networking pkg/http/header): a
    /// revision's program sees none of it, whoever sent it.
    /// </summary>
    private static readonly string[] s_internal =
        ["Knative-Serving-Revision", "Knative-Serving-Namespace", OriginalHost, "K-Passthrough-Lb", "K-Proxy-Request"];

    private const string OriginalHost = "K-Original-Host";
    private readonly uint _sets; // a bit for each known header
    private readonly HashSet<string> _replaced;

    public CompiledBackend(RouteRule rule, WeightedBackend share, Gate gate)
    {
        Gate = gate;
        Weight = share.Weight;
        var isRevision = gate.Key.Kind == BackendKind.Revision;
        var hidden = isRevision ? s_internal : [];
        // A revision's program is given the host that was asked for (knative/serving: pkg/queue RewriteHostOut).
        var host = isRevision && share.AppendHeaders.FirstOrDefault(h => h.Key == OriginalHost).Value is { Length: > 0 } original ? original : rule.RewriteHost;
        RewriteHost = HttpParser.IsHost(Encoding.UTF8.GetBytes(host)) ? host : "";
        Headers = new Dictionary<string, string>(rule.AppendHeaders.Concat(share.AppendHeaders).Where(IsProper)
            .Where(h => !hidden.Contains(h.Key, StringComparer.OrdinalIgnoreCase)).GroupBy(h => h.Key, StringComparer.OrdinalIgnoreCase)
            .Select(g => g.Last()), StringComparer.OrdinalIgnoreCase);
        _replaced = new HashSet<string>(Headers.Keys.Concat(hidden), StringComparer.OrdinalIgnoreCase);
        HeaderNames = [.. _replaced.Select(Encoding.ASCII.GetBytes)];
        _sets = HeaderNames.Aggregate(0u, (sets, name) => sets | Bit(KnownHeaders.Find(name)));
        HeaderBytes = Encoding.UTF8.GetBytes(string.Concat(Headers.Select(h => $"{h.Key}: {h.Value}\r\n")));
        HostBytes = Encoding.ASCII.GetBytes(RewriteHost);
    }

    public Gate Gate { get; }

    public int Weight { get; }

    public string RewriteHost { get; }

    /// <summary>Empty: keep the client's.</summary>
    public byte[] HostBytes { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Replaced on requests, or kept from the program.</summary>
    public byte[][] HeaderNames { get; }

    public byte[] HeaderBytes { get; }

    /// <summary>Whether this one of the headers the proxy acts on is set on requests.</summary>
    public bool Sets(KnownHeader known) => (_sets & Bit(known)) != 0;

    public bool Replaces(string name) => _replaced.Contains(name);

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

    private static uint Bit(KnownHeader known) => 1u << (int)known;

    /// <summary>A header that would break the message is left out; the API's validation reports it.</summary>
    private static bool IsProper(KeyValuePair<string, string> header) =>
        HttpParser.IsField(Encoding.UTF8.GetBytes($"{header.Key}:{header.Value}"), out var known)
        && known is not (KnownHeader.ContentLength or KnownHeader.TransferEncoding or KnownHeader.Host or KnownHeader.Connection
            or KnownHeader.Upgrade or KnownHeader.Expect);
}
