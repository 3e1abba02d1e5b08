using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>
/// The API beside etcd, the store of Kubernetes: one program of Node drives both over TLS with the same certificates, the same objects and the same
/// concurrency, in turn, on the same disk. Every write of both is synced.
/// </summary>
internal static class ApiEtcd
{
    private const int Rounds = 5;
    private const int Bytes = 2000;
    private const int Concurrency = 64;

    internal static async Task RunAsync(BenchOptions options, Report report)
    {
        await using var serval = await ServalProcess.UpAsync();
        var certificates = Path.Combine(serval.DataDirectory, "certificates");
        var directory = Directory.CreateTempSubdirectory("serval-etcd-").FullName;
        var url = $"https://127.0.0.1:{FreePort()}";
        using var etcd = Start("etcd", directory,
            "--data-dir", Path.Combine(directory, "data"), "--listen-client-urls", url, "--advertise-client-urls", url,
            "--listen-peer-urls", $"http://127.0.0.1:{FreePort()}", "--log-level", "error", "--client-cert-auth",
            "--trusted-ca-file", Path.Combine(certificates, "ca.crt"), "--cert-file", Path.Combine(certificates, "apiserver.crt"),
            "--key-file", Path.Combine(certificates, "apiserver.key"));
        try
        {
            await RunAsync(options, report, certificates, serval.Api.Server.GetLeftPart(UriPartial.Authority), url);
        }
        finally
        {
            etcd.Kill();
            await etcd.WaitForExitAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task RunAsync(BenchOptions options, Report report, string certificates, string serval, string etcd)
    {
        string[] figures = ["create", "update", "list"];
        var ours = figures.ToDictionary(f => f, _ => new List<double>());
        var theirs = figures.ToDictionary(f => f, _ => new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            report.Step($"etcd: round {round + 1} of {Rounds}");
            foreach (var (kind, url, samples) in ((string, string, Dictionary<string, List<double>>)[])[("serval", serval, ours), ("etcd", etcd, theirs)])
            {
                var found = await DriveAsync(options, kind, url, certificates);
                foreach (var figure in figures)
                {
                    samples[figure].Add((double)found[figure]!);
                }
            }
        }
        foreach (var figure in figures)
        {
            report.Samples($"{figure}: serval", ours[figure], "1/s");
            report.Samples($"{figure}: etcd", theirs[figure], "1/s");
            report.AtLeast($"{figure}, {(figure == "list" ? 1 : Concurrency)} at a time: a second, beside etcd", Statistics.Median(ours[figure]) / Statistics.Median(theirs[figure]), "x", 1);
            report.Info($"{figure}: a second, serval", Statistics.Median(ours[figure]), "1/s");
            report.Info($"{figure}: a second, etcd", Statistics.Median(theirs[figure]), "1/s");
        }
    }

    private static async Task<JsonNode> DriveAsync(BenchOptions options, string kind, string url, string certificates)
    {
        var text = CultureInfo.InvariantCulture;
        using var node = Start("node", options.Root,
            Path.Combine(options.Root, "bench/node/store.mjs"), Path.Combine(options.Root, "artifacts/tools/node"), kind, url, certificates, options.Scaled(2000).ToString(text), Bytes.ToString(text), Concurrency.ToString(text));
        var output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        return node.ExitCode == 0 ? JsonNode.Parse(output)! : throw new InvalidOperationException($"the load on {kind} failed: {await node.StandardError.ReadToEndAsync()}");
    }

    private static Process Start(string program, string directory, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true,
    }) ?? throw new InvalidOperationException($"{program} does not start");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
