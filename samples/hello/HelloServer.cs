using System.Net.Sockets;
using System.Text;

namespace Hello;

/// <summary>
/// As much HTTP/1.1 as a greeting takes, on bare sockets: no host to build, nothing to reflect over, ready some milliseconds after the runtime.
/// A real service would use ASP.NET Core and pay about a tenth of a second for it.
/// </summary>
internal sealed class HelloServer(Socket listener, string greeting)
{
    private const int MaxHead = 32 * 1024;
    private readonly byte[] _keep = Response(greeting, close: false);
    private readonly byte[] _last = Response(greeting, close: true);
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1; // the listener counts as one
    private volatile bool _stopping;

    /// <summary>Serves until cancelled, then answers what has begun.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var connection = await listener.AcceptAsync(stop);
                Interlocked.Increment(ref _open);
                _ = ServeAsync(connection, stop);
            }
        }
        catch (OperationCanceledException)
        {
            _stopping = true;
        }
        listener.Dispose();
        Leave();
        await _idle.Task;
    }

    private static byte[] Response(string body, bool close) => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\n{(close ? "Connection: close\r\n" : "")}\r\n{body}");

    private async Task ServeAsync(Socket connection, CancellationToken stop)
    {
        using (connection)
        {
            try
            {
                connection.NoDelay = true;
                await ServeRequestsAsync(connection, stop);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // The caller went away, or the program ends while the connection is idle.
            }
        }
        Leave();
    }

    private async Task ServeRequestsAsync(Socket connection, CancellationToken stop)
    {
        var buffer = new byte[MaxHead];
        var filled = 0;
        while (true)
        {
            int end;
            while ((end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
            {
                // Only an idle connection may be dropped on SIGTERM; a request that has begun is read to its end.
                var read = filled == MaxHead ? 0 : await connection.ReceiveAsync(buffer.AsMemory(filled), filled == 0 ? stop : CancellationToken.None);
                if (read == 0)
                {
                    return;
                }
                filled += read;
            }
            var head = Encoding.ASCII.GetString(buffer, 0, end);
            var close = _stopping || Header(head, "Connection") == "close" || Header(head, "Transfer-Encoding").Length > 0;
            var rest = end + 4 + (long.TryParse(Header(head, "Content-Length"), out var length) ? length : 0) - filled;
            for (; rest > 0; rest -= filled)
            {
                filled = await connection.ReceiveAsync(buffer, CancellationToken.None);
                if (filled == 0)
                {
                    return;
                }
            }
            var used = (int)(filled + rest);
            buffer.AsSpan(used, filled - used).CopyTo(buffer);
            filled -= used;
            await connection.SendAsync(close ? _last : _keep, CancellationToken.None);
            if (close)
            {
                connection.Shutdown(SocketShutdown.Send);
                while (await connection.ReceiveAsync(buffer, CancellationToken.None) > 0)
                {
                    // Unread bytes at close would reset the connection and could take the answer with them.
                }
                return;
            }
        }
    }

    private static string Header(string head, string name)
    {
        var start = head.IndexOf($"\r\n{name}:", StringComparison.OrdinalIgnoreCase);
        if (start < 0)
        {
            return "";
        }
        start += name.Length + 3;
        var end = head.IndexOf('\r', start);
        return (end < 0 ? head[start..] : head[start..end]).Trim().ToLowerInvariant();
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
        {
            _idle.SetResult();
        }
    }
}
