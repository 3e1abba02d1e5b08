using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;
using Serval.Node.Network;

namespace Serval.Node.Services;

/// <summary>
/// Which Service has an address, and what is behind its ports. The first follows each change of a Service; the second is read when somebody calls,
/// and kept with the endpoints it was read from, so that Services that nobody calls cost nothing.
/// </summary>
internal sealed class ServiceIndex : IDisposable
{
    private readonly IKubeClient _client;
    private readonly IPNetwork _range;
    private readonly ConcurrentDictionary<uint, ObjectKey> _services = new();
    private readonly ConditionalWeakTable<KubeObject, List<Port>> _read = new(); // by the Endpoints
    private readonly IDisposable _subscription;

    public ServiceIndex(IKubeClient client, IPNetwork range)
    {
        (_client, _range) = (client, range);
        _subscription = client.Cache(Kinds.Service).Subscribe(Follow);
        WhenRead = Task.WhenAll(client.Cache(Kinds.Service).WaitForSyncAsync(), client.Cache(Kinds.Endpoints).WaitForSyncAsync());
    }

    /// <summary>Completes once all that is there has been read; fails when it may not be.</summary>
    public Task WhenRead { get; }

    /// <summary>
    /// Where a connection to a port of an address goes; null when no Service has it, or nothing ready is behind it. What comes from one client goes
    /// to one place as long as that is there, where the Service wants it so, else anywhere.
    /// </summary>
    public IPEndPoint? Find(IPEndPoint wanted, IPAddress client, int random)
    {
        if (!_services.TryGetValue(Subnet.Number(wanted.Address), out var key) || _client.Cache(Kinds.Service).Get(key) is not { } service
            || service.As<Service>().Spec.Ports.FirstOrDefault(p => p.Port == wanted.Port && p.Protocol == "TCP") is not { } port
            || _client.Cache(Kinds.Endpoints).Get(key) is not { } endpoints)
        {
            return null;
        }
        var behind = _read.GetValue(endpoints, Read).Where(p => p.Name == port.Name).SelectMany(p => p.At).ToList();
        return behind.Count == 0 ? null
            : IsSticky(service) ? behind.MinBy(e => HashOf(client, e))
            : behind[random % behind.Count];
    }

    public void Dispose() => _subscription.Dispose();

    // The same for every process and run (FNV-1a): the highest of a client stays while others come and go.
    private static uint HashOf(IPAddress client, IPEndPoint behind)
    {
        var hash = 2166136261;
        foreach (var one in (ReadOnlySpan<byte>)[.. client.GetAddressBytes(), .. behind.Address.GetAddressBytes(), (byte)behind.Port, (byte)(behind.Port >> 8)])
        {
            hash = (hash ^ one) * 16777619;
        }
        return hash;
    }

    private void Follow(CacheChange change)
    {
        var key = change.New.Key;
        if (change.Type != WatchEventType.Added && Address(change.Old ?? change.New) is { } before)
        {
            _services.TryRemove(KeyValuePair.Create(before, key));
        }
        if (change.Type != WatchEventType.Deleted && Address(change.New) is { } after)
        {
            _services[after] = key;
        }
    }

    private static uint? Address(KubeObject service) =>
        IPAddress.TryParse(service.As<Service>().Spec.ClusterIP, out var address) && address.AddressFamily == AddressFamily.InterNetwork ? Subnet.Number(address) : null;

    // Quotation marks within a text are written otherwise; a selector that reads so does no harm.
    private static bool IsSticky(KubeObject service) => service.Member("spec").Span.IndexOf("\"sessionAffinity\":\"ClientIP\""u8) >= 0;

    // What this machine alone reaches, and others do not mean by it: its loopback, its metadata service (ValidateNonSpecialIP of Kubernetes), and groups.
    private static bool IsSpecial(IPAddress address) => IPAddress.IsLoopback(address) || (address.AddressFamily == AddressFamily.InterNetwork
        ? address.GetAddressBytes() is [0 or >= 224, ..] or [169, 254, ..]
        : address.IsIPv6LinkLocal || address.IsIPv6Multicast || address.Equals(IPAddress.IPv6Any));

    // An address of a Service is no place behind one: it would be called for ever.
    private List<Port> Read(KubeObject endpoints)
    {
        using var document = CanonicalJson.Document(endpoints.Json);
        return
        [
            .. from subset in Items(document.RootElement, "subsets")
               from port in Items(subset, "ports")
               where Text(port, "protocol") is "" or "TCP" && port.TryGetProperty("port", out _)
               let number = port.GetProperty("port").GetInt32()
               select new Port(Text(port, "name"),
               [
                   .. from item in Items(subset, "addresses")
                      let address = IPAddress.TryParse(Text(item, "ip"), out var ip) ? ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip : null
                      where address is not null && !_range.Contains(address) && !IsSpecial(address)
                      select new IPEndPoint(address, number),
               ]),
        ];

        static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
            element.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];

        static string Text(JsonElement element, string name) => element.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";
    }

    private sealed record Port(string Name, IReadOnlyList<IPEndPoint> At);
}
