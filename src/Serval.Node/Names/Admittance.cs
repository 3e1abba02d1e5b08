using System.Net;

namespace Serval.Node.Names;

/// <summary>How much may be under way at a time, in all and for one client, so that one pod cannot use up what others need.</summary>
internal sealed class Admittance(int most, int mostOfOne)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _clients = []; // guarded by _lock
    private int _all; // guarded by _lock

    public bool TryEnter(IPAddress client)
    {
        lock (_lock)
        {
            var own = _clients.GetValueOrDefault(client);
            if (_all >= most || own >= mostOfOne)
            {
                return false;
            }
            _clients[client] = own + 1;
            _all++;
            return true;
        }
    }

    public void Leave(IPAddress client)
    {
        lock (_lock)
        {
            _all--;
            if (--_clients[client] is 0)
            {
                _clients.Remove(client);
            }
        }
    }
}
