using System.Diagnostics;
using System.Globalization;

namespace Serval.Bench;

/// <summary>The peer of "100 services woken at once": the same program started as often by a shell's <c>for</c> loop, in the background.</summary>
internal static class ShellLoop
{
    /// <summary>Seconds from the loop's start to the last first byte.</summary>
    internal static async Task<double> RunAsync(string program, int count, CancellationToken ct)
    {
        var ports = Enumerable.Range(0, count).Select(_ => Programs.FreePort()).ToArray();
        var script = $"for p in {string.Join(' ', ports.Select(p => p.ToString(CultureInfo.InvariantCulture)))}; do PORT=$p {program} >/dev/null 2>&1 & done; wait";
        var start = new ProcessStartInfo("setsid", ["sh", "-c", script]) { WorkingDirectory = Path.GetDirectoryName(program)! };
        var clock = Stopwatch.GetTimestamp();
        using var shell = Process.Start(start)!;
        try
        {
            // One waiter a program, asking every millisecond: a tight loop would take the processors away from what it measures.
            await Task.WhenAll(ports.Select(p => Task.Run(() => WaitAsync(p, ct), ct)));
            return Stopwatch.GetElapsedTime(clock).TotalSeconds;
        }
        finally
        {
            shell.Kill(entireProcessTree: true);
            await shell.WaitForExitAsync(ct);
        }
    }

    private static async Task WaitAsync(int port, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (true)
        {
            using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(System.Net.IPAddress.Loopback, port, ct);
                await socket.SendAsync("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray(), ct);
                if (await socket.ReceiveAsync(new byte[1], ct) > 0)
                {
                    return;
                }
            }
            catch (System.Net.Sockets.SocketException)
            {
                await timer.WaitForNextTickAsync(ct);
            }
        }
    }
}
