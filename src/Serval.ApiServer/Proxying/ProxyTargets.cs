using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Proxying;

/// <summary>
/// Finds whom a proxied request is for: always a port of a pod, so that nothing else is reached through the API server (kubernetes
/// pkg/registry/core/pod/strategy.go and pkg/registry/core/service/storage/storage.go, ResourceLocation).
/// </summary>
internal sealed class ProxyTargets(IKubeClient client, Random random)
{
    /// <summary>The pod of the name, at the port named, else at the first that its containers declare.</summary>
    public async Task<ProxyTarget> PodAsync(string ns, string text, CancellationToken ct)
    {
        var name = ProxyName.Parse(text, Kinds.Pod);
        var pod = await client.GetAsync(Kinds.Pod, new ObjectKey(ns, name.Name), ct);
        var port = name.Port.Length > 0 ? name.Port : DeclaredPort(pod.ToTree());
        var address = Addresses(pod).FirstOrDefault() ?? throw ApiException.BadRequest("address not allowed");
        return new ProxyTarget(pod.Key, pod.Metadata.Uid, address, Number(port, name.Scheme), name.Scheme);
    }

    /// <summary>One of the pods behind a Service, chosen at random: of its Endpoints those that are pods of the namespace.</summary>
    public async Task<ProxyTarget> ServiceAsync(string ns, string text, CancellationToken ct)
    {
        var name = ProxyName.Parse(text, Kinds.Service);
        var key = new ObjectKey(ns, name.Name);
        var port = name.Port;
        if (long.TryParse(port, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            port = PortName((await client.GetAsync(Kinds.Service, key, ct)).ToTree(), number)
                ?? throw Unavailable($"no service port {number} found for service \"{name.Name}\"");
        }
        var endpoints = client.Cache(Kinds.Endpoints).Get(key) ?? throw ApiException.NotFound(Kinds.Service, name.Name); // so does upstream, be there a Service or not
        var subsets = Objects(endpoints.ToTree()["subsets"]).ToArray();
        if (subsets.Length == 0)
        {
            throw Unavailable($"no endpoints available for service \"{name.Name}\"");
        }
        random.Shuffle(subsets);
        foreach (var subset in subsets)
        {
            if (Objects(subset["ports"]).FirstOrDefault(p => Text(p["name"]) == port) is { } open && (int?)open["port"] is { } inside && Pick(ns, subset) is { } picked)
            {
                return new ProxyTarget(picked.Pod.Key, picked.Pod.Metadata.Uid, picked.Address, inside, name.Scheme);
            }
        }
        throw Unavailable($"no endpoints available for service \"{text}\"");
    }

    private (KubeObject Pod, string Address)? Pick(string ns, JsonObject subset)
    {
        var addresses = Objects(subset["addresses"]).ToArray();
        random.Shuffle(addresses);
        foreach (var address in addresses)
        {
            var reference = address["targetRef"] as JsonObject;
            if (reference is not null && Text(reference["namespace"]) == ns && client.Cache(Kinds.Pod).Get(new ObjectKey(ns, Text(reference["name"]))) is { } pod
                && Addresses(pod).Contains(Text(address["ip"]), StringComparer.Ordinal))
            {
                return (pod, Text(address["ip"]));
            }
        }
        return null;
    }

    private static string? PortName(JsonObject service, long number) =>
        Objects(service["spec"]?["ports"]).FirstOrDefault(p => (long?)p["port"] == number) is { } port ? Text(port["name"]) : null;

    private static string DeclaredPort(JsonObject pod) =>
        Objects(pod["spec"]?["containers"]).SelectMany(c => Objects(c["ports"]).Take(1)).Select(p => p["containerPort"]?.ToString()).FirstOrDefault() ?? "";

    private static IEnumerable<string> Addresses(KubeObject pod) => Objects(pod.ToTree()["status"]?["podIPs"]).Select(a => Text(a["ip"])).Where(a => a.Length > 0);

    private static int Number(string port, string scheme) =>
        port.Length == 0 ? scheme == "https" ? 443 : 80
        : port[0] != '0' && ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw Unavailable($"error trying to reach service: \"{port}\" is no port: a number from 1 to 65535 is expected here");

    private static IEnumerable<JsonObject> Objects(JsonNode? list) => (list as JsonArray ?? []).OfType<JsonObject>();

    private static string Text(JsonNode? node) => (string?)node ?? "";

    private static ApiException Unavailable(string why) => new(503, "ServiceUnavailable", why);
}
