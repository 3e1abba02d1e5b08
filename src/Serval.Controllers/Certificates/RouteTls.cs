using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Serval.Api.Networking;

namespace Serval.Controllers.Certificates;

/// <summary>What TLS adds to a Route's Ingress and URLs.</summary>
/// <param name="Entries">The Ingress's <c>spec.tls</c>.</param>
/// <param name="Hosts">Hosts whose URLs are https.</param>
/// <param name="Challenges">What ACME servers ask for.</param>
internal sealed record RouteTls(IReadOnlyList<JsonObject> Entries, IReadOnlySet<string> Hosts, IReadOnlyList<Http01Challenge> Challenges)
{
    /// <summary>Without TLS.</summary>
    internal static RouteTls None { get; } = new([], FrozenSet<string>.Empty, []);

    /// <summary>The paths of a public host that ACME servers look at, ahead of its own.</summary>
    internal IEnumerable<JsonObject> Paths(string host) =>
        Challenges.Where(c => new Uri(c.Url).Host == host).OrderBy(c => c.Url, StringComparer.Ordinal).Select(ChildCertificate.ChallengePath);
}
