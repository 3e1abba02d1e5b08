using System.Globalization;
using Serval.Api.Core;

namespace Serval.Node.Services;

/// <summary>The variables that tell a container of a Service (kubelet: pkg/kubelet/envvars, FromServices).</summary>
internal static class ServiceVariables
{
    /// <summary>Adds <c>NAME_SERVICE_HOST</c>, <c>NAME_SERVICE_PORT</c> and those that Docker's links had.</summary>
    /// <param name="to">Takes them.</param>
    /// <param name="service">The Service's name.</param>
    /// <param name="host">Its ClusterIP, or the name of the machine where it is.</param>
    /// <param name="ports">Its ports; none gives nothing.</param>
    public static void Add(Dictionary<string, string> to, string service, string host, IReadOnlyList<ServicePort> ports)
    {
        if (ports.Count == 0)
        {
            return;
        }
        var name = Variable(service);
        to[$"{name}_SERVICE_HOST"] = host;
        to[$"{name}_SERVICE_PORT"] = Text(ports[0].Port);
        to[$"{name}_PORT"] = Url(host, ports[0]);
        foreach (var port in ports)
        {
            if (port.Name.Length > 0)
            {
                to[$"{name}_SERVICE_PORT_{Variable(port.Name)}"] = Text(port.Port);
            }
            var link = $"{name}_PORT_{Text(port.Port)}_{port.Protocol}";
            to[link] = Url(host, port);
            to[$"{link}_PROTO"] = port.Protocol.ToLowerInvariant();
            to[$"{link}_PORT"] = Text(port.Port);
            to[$"{link}_ADDR"] = host;
        }
    }

    private static string Variable(string name) => name.Replace('-', '_').ToUpperInvariant();

    private static string Url(string host, ServicePort port) => $"{port.Protocol.ToLowerInvariant()}://{(host.Contains(':') ? $"[{host}]" : host)}:{Text(port.Port)}";

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);
}
