using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Serval.Api.Networking;

/// <summary>
/// The range that Services get their addresses from: the ServiceCIDR of this name, which is written once and holds for the life of the store
/// (kubernetes: pkg/controlplane/controller/defaultservicecidr).
/// </summary>
public static class ServiceRange
{
    public const string Name = "kubernetes";

    // As for --service-cluster-ip-range, and so that there is a dozen.
    private const int ShortestPrefix = 12;
    private const int LongestPrefix = 28;

    /// <summary>The range of the object; null when it has none that can be used.</summary>
    public static IPNetwork? Read(KubeObject cidr) =>
        (cidr.ToTree()["spec"]?["cidrs"] as JsonArray)?.Select(c => (string?)c).FirstOrDefault() is { } text && IPNetwork.TryParse(text, out var range) && IsUsable(range)
            ? range : null;

    /// <summary>Whether Services can have addresses of a range.</summary>
    public static bool IsUsable(IPNetwork range) =>
        range.BaseAddress.AddressFamily == AddressFamily.InterNetwork && range.PrefixLength is >= ShortestPrefix and <= LongestPrefix;

    /// <summary>The object that says so.</summary>
    public static KubeObject Object(IPNetwork range) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.ServiceCidr.ApiVersion, ["kind"] = Kinds.ServiceCidr.Kind, ["metadata"] = new JsonObject { ["name"] = Name },
        ["spec"] = new JsonObject { ["cidrs"] = new JsonArray(range.ToString()) },
    });
}
