using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>The programs of the benches: the smallest native server at hand, the C# sample, and the echo that is rolled over.</summary>
internal static class Programs
{
    internal const string Native = "dev.local/busybox:bench";
    internal const string Sample = "dev.local/hello:bench";
    internal const string Echo = "dev.local/echo:bench";

    internal static readonly string[] NativeArguments = ["httpd", "-f", "-p", "127.0.0.1:$(PORT)", "-h", "www"];

    /// <summary>Puts <c>busybox httpd</c> into the image store.</summary>
    internal static async Task AddNativeAsync(ServalProcess serval)
    {
        var work = Directory.CreateTempSubdirectory("serval-bench-").FullName;
        File.Copy(BusyboxPath(), Path.Combine(work, "busybox"));
        Directory.CreateDirectory(Path.Combine(work, "www"));
        await File.WriteAllTextAsync(Path.Combine(work, "www", "index.html"), "hello from busybox\n\n");
        var (code, output, errors) = await serval.RunAsync("image", "add", Native, work, "--entrypoint", "./busybox");
        Directory.Delete(work, recursive: true);
        if (code != 0)
        {
            throw new InvalidOperationException($"serval image add: {code}: {output}{errors}");
        }
    }

    /// <summary>Publishes samples/hello and puts it into the image store. Returns its directory.</summary>
    internal static Task<string> AddSampleAsync(ServalProcess serval, string root) => AddProjectAsync(serval, root, "samples/hello", Sample, "hello");

    /// <summary>Publishes the program of the rollout bench and puts it into the image store.</summary>
    internal static Task AddEchoAsync(ServalProcess serval, string root) => AddProjectAsync(serval, root, "bench/Serval.Bench.Echo", Echo, "echo");

    private static async Task<string> AddProjectAsync(ServalProcess serval, string root, string project, string image, string program)
    {
        var work = Path.Combine(root, "artifacts", "bench", program);
        using (var build = Process.Start(new ProcessStartInfo("dotnet", ["publish", Path.Combine(root, project), "-c", "Release", "-o", work, "-v", "quiet", "--nologo"])
            { RedirectStandardOutput = true })!)
        {
            var output = await build.StandardOutput.ReadToEndAsync();
            await build.WaitForExitAsync();
            if (build.ExitCode != 0)
            {
                throw new InvalidOperationException($"publishing {project} ended with {build.ExitCode}: {output}");
            }
        }
        var (code, text, errors) = await serval.RunAsync("image", "add", image, work, "--entrypoint", $"./{program}");
        return code == 0 ? work : throw new InvalidOperationException($"serval image add: {code}: {text}{errors}");
    }

    /// <summary>Starts a program by hand, the way a shell would, and measures from the start to the first byte.</summary>
    internal static async Task<double> ByHandAsync(string program, string directory, Func<int, string[]> arguments, CancellationToken ct)
    {
        var port = FreePort();
        var start = new ProcessStartInfo(program, arguments(port)) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        var clock = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        try
        {
            await FirstByteAsync(port, ct);
            return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(ct);
        }
    }

    /// <summary>Connects as soon as it can and waits for the first byte of an answer.</summary>
    internal static async Task FirstByteAsync(int port, CancellationToken ct)
    {
        var request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8.ToArray();
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, port, ct);
            }
            catch (SocketException)
            {
                await Task.Yield(); // not listening yet: the shortest way to see it is to ask again
                continue;
            }
            await socket.SendAsync(request, ct);
            if (await socket.ReceiveAsync(new byte[1], ct) > 0)
            {
                return;
            }
        }
    }

    internal static string BusyboxPath() => new[] { "/usr/bin/busybox", "/bin/busybox" }.First(File.Exists);

    internal static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
