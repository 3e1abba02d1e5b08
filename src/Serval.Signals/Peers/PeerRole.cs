using Serval.Api;
using Serval.Api.Serving;

namespace Serval.Signals;

/// <summary>What serves signals.</summary>
public enum PeerRole
{
    Gateway,
    Node,
}

/// <summary>Where each role keeps its Leases.</summary>
internal static class PeerRoles
{
    /// <summary>On a Lease that says where signals are served; the value is the role.</summary>
    public const string Label = "serval.dev/signals";

    public const string Address = "serval.dev/signals-address";
    public const string Certificate = "serval.dev/signals-certificate";
    private const string Domain = "serval.dev/";
    private const string GatewayPrefix = "serval-gateway-";
    private const string NodeNamespace = "kube-node-lease";

    public static string Text(this PeerRole role) => role == PeerRole.Gateway ? "gateway" : "node";

    /// <summary>A node's is its heartbeat too, as a kubelet's.</summary>
    public static ObjectKey LeaseOf(this PeerRole role, string id) => role == PeerRole.Gateway
        ? new ObjectKey(KnativeNames.SystemNamespace, GatewayPrefix + id)
        : new ObjectKey(NodeNamespace, id);

    /// <summary>The peer that a Lease tells of; null when it is another's. Only those that stand where the role keeps them count: others may write Leases elsewhere.</summary>
    public static Peer? Read(KubeObject lease)
    {
        var metadata = lease.Metadata;
        PeerRole? role = metadata.Label(Label) switch { "gateway" => PeerRole.Gateway, "node" => PeerRole.Node, _ => null };
        var id = role == PeerRole.Gateway && lease.Key.Name.StartsWith(GatewayPrefix, StringComparison.Ordinal) ? lease.Key.Name[GatewayPrefix.Length..] : lease.Key.Name;
        if (role is not { } known || id.Length == 0 || known.LeaseOf(id) != lease.Key
            || !Uri.TryCreate(metadata.Annotation(Address), UriKind.Absolute, out var address)
            || address is not { Scheme: "https", UserInfo: "", PathAndQuery: "/", Fragment: "" }
            || metadata.Annotation(Certificate) is not { Length: 64 } certificate || !certificate.All(char.IsAsciiHexDigitLower))
        {
            return null;
        }
        var facts = metadata.Annotations.Where(a => a.Key.StartsWith(Domain, StringComparison.Ordinal) && a.Key is not Address and not Certificate);
        return new Peer(known, id, address, certificate, facts.ToDictionary(StringComparer.Ordinal));
    }
}
