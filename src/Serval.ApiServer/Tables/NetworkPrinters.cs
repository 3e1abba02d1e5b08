using System.Text.Json;

namespace Serval.ApiServer.Tables;

/// <summary>Services and their endpoints.</summary>
internal static class NetworkPrinters
{
    private const int MaxShown = 3;

    public static readonly TableLayout Service = new(
        [
            TableLayout.Name, new("Type"), new("Cluster-IP"), new("External-IP"), new("Port(s)"), TableLayout.Age, new("Selector", Priority: 1),
        ],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("spec", "type") is { Length: > 0 } type ? type : "ClusterIP");
            cells.Add(obj.Text("spec", "clusterIP").OrNone());
            cells.Add(ExternalAddress(obj));
            cells.Add(string.Join(",", obj.Items("spec", "ports").Select(Port)).OrNone());
            cells.Add(TableLayout.AgeOf(obj, now));
            cells.Add(SelectorText.FormatMap(obj.At("spec", "selector")));
        });

    public static readonly TableLayout Endpoints = new(
        [TableLayout.Name, new("Endpoints"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(Shorten(obj.Items("subsets").SelectMany(Addresses)));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    public static readonly TableLayout EndpointSlice = new(
        [TableLayout.Name, new("AddressType"), new("Ports"), new("Endpoints"), TableLayout.Age],
        (obj, now, cells) =>
        {
            cells.Add(obj.Text("metadata", "name"));
            cells.Add(obj.Text("addressType"));
            var ports = obj.Items("ports").Select(p => p.Text("port") is { Length: > 0 } port ? port : "*");
            cells.Add(obj.Size("ports") == 0 ? "<unset>" : Shorten(ports));
            cells.Add(obj.Size("endpoints") == 0 ? "<unset>" : Shorten(obj.Items("endpoints").SelectMany(e => e.Items("addresses")).Select(a => a.Text())));
            cells.Add(TableLayout.AgeOf(obj, now));
        });

    private static string ExternalAddress(JsonElement service)
    {
        var own = service.Items("spec", "externalIPs").Select(i => i.Text());
        switch (service.Text("spec", "type"))
        {
            case "ExternalName":
                return service.Text("spec", "externalName").OrNone();
            case "LoadBalancer":
                var given = service.Items("status", "loadBalancer", "ingress")
                    .Select(i => i.Text("ip") is { Length: > 0 } ip ? ip : i.Text("hostname"));
                var all = string.Join(",", given.Concat(own));
                return all.Length == 0 ? "<pending>" : all;
            default:
                return string.Join(",", own).OrNone();
        }
    }

    private static string Port(JsonElement port)
    {
        var protocol = port.Text("protocol") is { Length: > 0 } named ? named : "TCP";
        var node = port.Number("nodePort");
        return node > 0 ? $"{port.Number("port")}:{node}/{protocol}" : $"{port.Number("port")}/{protocol}";
    }

    private static IEnumerable<string> Addresses(JsonElement subset)
    {
        var ports = subset.Items("ports").Select(p => p.Number("port")).ToList();
        return subset.Items("addresses").Select(a => a.Text("ip"))
            .SelectMany(ip => ports.Count == 0 ? [ip] : ports.Select(p => $"{ip}:{p}"));
    }

    private static string Shorten(IEnumerable<string> values)
    {
        var all = values.ToList();
        return all.Count > MaxShown
            ? $"{string.Join(",", all.Take(MaxShown))} + {all.Count - MaxShown} more..."
            : string.Join(",", all).OrNone();
    }
}
