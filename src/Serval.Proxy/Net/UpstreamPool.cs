using System.Net;
using System.Net.Sockets;

namespace Serval.Proxy;

/// <summary>Unused connections to one instance, the latest used first.</summary>
internal sealed class UpstreamPool(TimeProvider time, TimeSpan idleTimeout, Dialer? dialer = null)
{
    private const int MaxIdle = 256;

    /// <summary>
    /// A request that cannot be repeated takes a connection only if it was used this shortly before: the instance is then unlikely to be closing it.
    /// </summary>
    private static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(2);

    private readonly Dialer _dialer = dialer ?? new Dialer(_ => null);
    private readonly ConnectPace _pace = new(time);
    private readonly Lock _lock = new();
    private readonly List<UpstreamConnection> _idle = []; // guarded by _lock
    private bool _closed;

    public UpstreamConnection? TryTake(bool repeatable)
    {
        while (true)
        {
            UpstreamConnection connection;
            lock (_lock)
            {
                if (_idle.Count == 0)
                {
                    return null;
                }
                connection = _idle[^1];
                if (!repeatable && time.GetElapsedTime(connection.IdleSince) > s_fresh)
                {
                    return null;
                }
                _idle.RemoveAt(_idle.Count - 1);
            }
            connection.Take();
            if (connection.IsUsable)
            {
                return connection;
            }
            connection.Discard();
        }
    }

    public bool TryAdd(UpstreamConnection connection)
    {
        lock (_lock)
        {
            if (_closed || _idle.Count >= MaxIdle)
            {
                return false;
            }
            _idle.Add(connection);
            return true;
        }
    }

    /// <summary>The instance closed an unused connection.</summary>
    public void Forget(UpstreamConnection connection)
    {
        bool removed;
        lock (_lock)
        {
            removed = _idle.Remove(connection);
        }
        if (removed)
        {
            connection.Transport.Close();
        }
    }

    /// <summary>Closes what was unused too long; whether there are others.</summary>
    public bool Sweep()
    {
        List<UpstreamConnection>? old = null;
        bool left;
        lock (_lock)
        {
            var count = _idle.FindIndex(c => time.GetElapsedTime(c.IdleSince) < idleTimeout);
            count = count < 0 ? _idle.Count : count;
            if (count > 0)
            {
                old = _idle.GetRange(0, count);
                _idle.RemoveRange(0, count);
            }
            left = _idle.Count > 0;
        }
        old?.ForEach(c => c.Discard());
        return left;
    }

    public void CloseIdle()
    {
        UpstreamConnection[] all;
        lock (_lock)
        {
            all = [.. _idle];
            _idle.Clear();
        }
        Array.ForEach(all, c => c.Discard());
    }

    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
        }
        _pace.Close();
        CloseIdle();
    }

    /// <summary>A connection of this pool got its first byte, or ended without one.</summary>
    public void Answered() => _pace.Leave();

    /// <summary>A new connection; null when there is none to be had.</summary>
    /// <param name="address">Where to.</param>
    /// <param name="connecting">Given each socket before it connects, to close it on a timeout.</param>
    public async ValueTask<UpstreamConnection?> ConnectAsync(EndPoint address, Action<Socket> connecting)
    {
        await _pace.EnterAsync();
        UpstreamConnection? connection = null;
        try
        {
            connection = new UpstreamConnection(new SocketTransport(await _dialer.ConnectAsync(address, connecting, CancellationToken.None)), this);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // refused, timed out, or no descriptor left to try it with
        }
        finally
        {
            if (connection is null)
            {
                _pace.Leave();
            }
        }
        return connection;
    }
}
