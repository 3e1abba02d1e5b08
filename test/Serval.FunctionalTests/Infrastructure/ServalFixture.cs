using System.Net;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Serval.FunctionalTests;

/// <summary>One server for the tests of a class. It must end with exit code 0 and must not have logged an error nobody declared.</summary>
public sealed class ServalFixture : IAsyncLifetime
{
    private static readonly string[] s_complaints = ["error:", "critical:", "Unhandled exception"];

    private static readonly string[] s_levels = ["debug:", "information:", "warning:", .. s_complaints];

    private readonly List<string> _expected = [];
    private readonly HashSet<string> _echoes = new(StringComparer.Ordinal);

    internal ServalProcess Serval { get; private set; } = null!; // set by InitializeAsync, before any test

    internal Kubectl Kubectl { get; private set; } = null!;

    /// <summary>An error line holding this text is what a test provoked.</summary>
    internal void ExpectError(string text) => _expected.Add(text);

    public async Task InitializeAsync()
    {
        var data = Directory.CreateTempSubdirectory("serval-test-").FullName;
        await AddBusyboxAsync(data);
        await UseAsync(data);
    }

    public async Task DisposeAsync()
    {
        var code = await Serval.StopAsync();
        var errors = Serval.Errors;
        await Serval.DisposeAsync();
        Directory.Delete(Serval.DataDirectory, recursive: true);
        Assert.True(code == 0, $"serval up ended with {code}: {errors}");
        NoSurprises(errors);
    }

    /// <summary><c>kill -9</c>, and up again on the same data.</summary>
    internal async Task CrashAndRestartAsync()
    {
        var data = Serval.DataDirectory;
        await Serval.KillAsync();
        var errors = Serval.Errors;
        await Serval.DisposeAsync();
        NoSurprises(errors);
        await UseAsync(data);
    }

    /// <summary>Applies a service that serves a directory with busybox, and waits for Ready.</summary>
    internal async Task ServiceAsync(string name, string annotations = "{}")
    {
        await Kubectl.ApplyAsync(Manifests.Service(name, annotations: annotations));
        await ReadyAsync(name);
    }

    /// <summary>A service of the echo program that the tests of a class share: made by the first that asks.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="spec">Lines of its revision's spec, in flow style: <c>timeoutSeconds: 1, containerConcurrency: 1</c>.</param>
    /// <param name="http2">The program speaks HTTP/2 alone.</param>
    /// <param name="annotations">Of its revision.</param>
    internal async Task EchoAsync(string name, string spec = "", bool http2 = false, string annotations = "{}")
    {
        if (!_echoes.Add(name))
        {
            return;
        }
        if (_echoes.Count == 1)
        {
            var built = Repository.Path(Path.Combine("artifacts/bin/Serval.Bench.Echo", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))));
            var (code, _, errors) = await Serval.RunAsync("image", "add", Manifests.EchoImage, built, "--entrypoint", "./echo");
            Assert.True(code == 0, errors);
        }
        await Kubectl.ApplyAsync(Manifests.Echo(name, spec, http2, annotations));
        await ReadyAsync(name, seconds: 80); // a runtime starts, on a busy machine
        await Serval.HostAnswersAsync($"{name}.default.localhost", 200);
    }

    /// <summary>Sets one key of a map in knative-serving.</summary>
    internal Task<string> ConfigureAsync(string map, string key, string value) =>
        Kubectl.OkAsync("patch", "configmap", map, "-n", "knative-serving", "--type=merge", "-p", $$"""{"data":{"{{key}}":"{{value}}"} }""");

    internal Task<string> ReadyAsync(string name, int seconds = 30) => Kubectl.OkAsync("wait", "--for=condition=Ready", $"ksvc/{name}", $"--timeout={seconds}s");

    /// <summary>A setting of config-network.</summary>
    internal Task SetNetworkAsync(string key, string value) => Kubectl.OkAsync(
        "patch", "cm", "config-network", "-n", "knative-serving", "--type=merge", "-p", $$"""{"data":{"{{key}}":"{{value}}"} }""");

    /// <summary>Where the gateway, or the private one, listens for TLS.</summary>
    internal async Task<IPEndPoint> SecureGatewayAsync(string service = "gateway") => IPEndPoint.Parse(await Kubectl.OkAsync(
        "get", "endpoints", service, "-n", "knative-serving", "-o", """jsonpath={.subsets[0].addresses[0].ip}:{.subsets[0].ports[?(@.name=="https")].port}"""));

    /// <summary>Follows the objects at <paramref name="path"/> until one is as wanted; says what it saw last when that does not come.</summary>
    internal async Task UntilAsync(string path, Func<System.Text.Json.Nodes.JsonObject, bool> wanted, int seconds = 30)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var last = "nothing";
        try
        {
            await Serval.Api.WatchUntilAsync(
                path,
                (type, obj) =>
                {
                    last = $"{type} {obj.ToJsonString()}";
                    return wanted(obj);
                },
                patience.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"{path} did not become what was waited for within {seconds} s; last seen: {last}");
        }
    }

    /// <summary>Asks until the gateway answers with the code: routes reach the data plane a moment after they are stored.</summary>
    internal Task AnswersAsync(string service, int code) => Serval.AnswersAsync(service, code);

    /// <summary>A program that is a whole machine's, without a loader.</summary>
    internal static string Busybox => new[] { "/bin/busybox", "/usr/bin/busybox" }.FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("no busybox: run ./eng/install-test-tools");

    internal static async Task AddBusyboxAsync(string data)
    {
        var source = Directory.CreateTempSubdirectory("serval-bb-").FullName;
        try
        {
            File.Copy(Busybox, Path.Combine(source, "busybox"));
            Directory.CreateDirectory(Path.Combine(source, "www"));
            await File.WriteAllTextAsync(Path.Combine(source, "www", "index.html"), "hello from busybox\n");
            var (code, _, errors) = await ServalProcess.RunAsync(data, "image", "add", "dev.local/bb:1", source, "--entrypoint", "./busybox");
            Assert.True(code == 0, $"serval image add ended with {code}: {errors}");
        }
        finally
        {
            Directory.Delete(source, recursive: true);
        }
    }

    private void NoSurprises(string errors)
    {
        NoComplaints(Complaints(errors).Where(c => !_expected.Exists(e => c.Split('\n')[0].Contains(e, StringComparison.Ordinal))));
    }

    /// <summary>Fails with all that a log complains of, whole.</summary>
    internal static void NoComplaints(string errors) => NoComplaints(Complaints(errors));

    private static void NoComplaints(IEnumerable<string> complaints)
    {
        var all = string.Join('\n', complaints);
        Assert.True(all.Length == 0, "The log complains:\n" + all);
    }

    /// <summary>
    /// The lines of the log that say something is wrong with the program, and what the runtime says of an exception nobody caught, each with the exception that follows.
    /// </summary>
    internal static IEnumerable<string> Complaints(string errors)
    {
        var lines = errors.Split('\n');
        for (var first = 0; first < lines.Length; first++)
        {
            if (s_complaints.Any(c => lines[first].StartsWith(c, StringComparison.Ordinal)))
            {
                yield return string.Join('\n', lines.Skip(first).Take(1).Concat(lines.Skip(first + 1).TakeWhile(l => l.Length > 0 && !BeginsEntry(l))));
            }
        }
    }

    private static bool BeginsEntry(string line) => s_levels.Any(l => line.StartsWith(l, StringComparison.Ordinal));

    private async Task UseAsync(string data)
    {
        Serval = await ServalProcess.UpAsync(data);
        Kubectl = new Kubectl(Serval.Kubeconfig);
    }
}
