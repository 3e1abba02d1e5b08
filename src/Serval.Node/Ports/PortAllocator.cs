using Serval.Node.Sockets;

namespace Serval.Node.Ports;

/// <summary>Hands out instance ports from a range outside the ephemeral one, avoiding those that are handed out or in use by anyone.</summary>
internal sealed class PortAllocator(int first = 20000, int last = 29999)
{
    private readonly Lock _lock = new();
    private readonly HashSet<int> _taken = []; // guarded by _lock
    private int _cursor; // guarded by _lock; distance from the first port

    /// <summary>Takes a port; <paramref name="wish"/> (the one recorded on the pod) when it is free. Throws when the range is used up.</summary>
    public int Take(int? wish = null)
    {
        var listening = InstanceSockets.Dump().Select(s => s.Port).ToHashSet();
        lock (_lock)
        {
            if (wish is { } port && port >= first && port <= last && !listening.Contains(port) && _taken.Add(port))
            {
                return port;
            }
            for (var tries = last - first; tries >= 0; tries--)
            {
                var candidate = first + _cursor;
                _cursor = (_cursor + 1) % (last - first + 1);
                if (!listening.Contains(candidate) && _taken.Add(candidate))
                {
                    return candidate;
                }
            }
        }
        throw new InvalidOperationException($"no free port from {first} to {last} is left for another instance; delete pods of this node");
    }

    public void Release(int port)
    {
        lock (_lock)
        {
            _taken.Remove(port);
        }
    }
}
