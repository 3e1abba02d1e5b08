using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api.Core;
using Serval.Node.Ports;

namespace Serval.Node.Agent;

/// <summary>
/// The instance ports of one pod: container port → port of this machine, also after a restart of the agent. In a network of its own, where
/// there is no allocator, each port is itself.
/// </summary>
internal sealed class PodPorts : IDisposable
{
    private readonly PortAllocator? _allocator;
    private readonly Dictionary<int, int> _map = [];
    private bool _released;

    public PodPorts(Pod pod, PortAllocator? allocator)
    {
        _allocator = allocator;
        var recorded = Recorded(pod.Metadata.Annotation(NodeServices.PortsAnnotation));
        try
        {
            foreach (var port in pod.Spec.Containers.Concat(pod.Spec.InitContainers.Where(c => c.RestartPolicy == "Always")).SelectMany(c => c.Ports).Where(p => p.Protocol == "TCP").Select(p => p.Number))
            {
                if (!_map.ContainsKey(port))
                {
                    _map[port] = allocator?.Take(recorded.TryGetValue(port, out var wish) ? wish : null) ?? port;
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyDictionary<int, int> Map => _map;

    /// <summary>The annotation's value.</summary>
    public string Annotation
    {
        get
        {
            var map = new JsonObject();
            foreach (var (port, mapped) in _map.OrderBy(p => p.Key))
            {
                map[port.ToString(CultureInfo.InvariantCulture)] = mapped;
            }
            return map.ToJsonString();
        }
    }

    /// <summary>Gives the ports back, once. The map stays: others still hold it.</summary>
    public void Dispose()
    {
        if (_allocator is null || _released)
        {
            return;
        }
        _released = true;
        foreach (var port in _map.Values)
        {
            _allocator.Release(port);
        }
    }

    private static Dictionary<int, int> Recorded(string? annotation)
    {
        var result = new Dictionary<int, int>();
        try
        {
            foreach (var (port, mapped) in JsonNode.Parse(annotation ?? "{}") as JsonObject ?? [])
            {
                if (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                    && mapped is JsonValue value && value.TryGetValue(out int target))
                {
                    result[number] = target;
                }
            }
        }
        catch (JsonException)
        {
            // Someone else wrote it: the pod simply gets fresh ports.
        }
        return result;
    }
}
