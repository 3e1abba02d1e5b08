using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Serval.FunctionalTests;

/// <summary>A disk that fills up: writes are refused with the reason, everything else goes on, and nothing acknowledged is lost.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";

    private readonly string _data = Directory.CreateTempSubdirectory("serval-test-").FullName;
    private readonly string _outside = Directory.CreateTempSubdirectory("serval-test-").FullName;
    private readonly HashSet<string> _acknowledged = new(StringComparer.Ordinal);

    public void Dispose()
    {
        Directory.Delete(_data, recursive: true);
        Directory.Delete(_outside, recursive: true);
    }

    [MountFact]
    public async Task DataDirectory_FillsUp_WritesAreRefusedAndTheRestGoesOn()
    {
        await using var mount = await MountAsync();
        await using var serval = await ServalProcess.UpAsync(_data, default, mount.Launcher);
        var kubectl = Outside(serval);
        await kubectl.ApplyAsync(Manifests.Service("running", annotations: """{"autoscaling.knative.dev/min-scale": "1"}"""));
        await kubectl.OkAsync("wait", "--for=condition=Ready", "ksvc/running", "--timeout=30s");

        var program = await ProgramOfAsync(serval, "running");

        await FillAsync(serval, kubectl, mount);

        await ExpectRefusedAsync(serval);
        Assert.Contains("[-]store failed", await kubectl.RefusedAsync(null, "get", "--raw", "/readyz"), StringComparison.Ordinal);
        Assert.Equal(200, (await serval.InvokeAsync("running")).Code);
        await ExpectAcknowledgedAsync(serval);
        // A program that dies now starts again: nothing it needs has to be stored.
        using (var process = Process.GetProcessById(program))
        {
            process.Kill();
        }
        await serval.AnswersAsync("running", 200);

        Free(mount);
        await kubectl.ApplyAsync(Manifests.ConfigMap("later"));
        await kubectl.ApplyAsync(Manifests.Service("later"));
        await kubectl.OkAsync("wait", "--for=condition=Ready", "ksvc/later", "--timeout=60s");
        await serval.AnswersAsync("later", 200);
        await serval.AnswersAsync("running", 200);
        await ExpectAcknowledgedAsync(serval);
        Assert.Equal(0, await serval.StopAsync());

        // One line when it began, one when it was over, and no stack; at the last byte it may end and begin again a few times.
        var lines = serval.Errors.Split('\n');
        var began = ServalFixture.Complaints(serval.Errors).ToList();
        Assert.All(began, l => Assert.StartsWith($"error: The database in {_data} cannot be written", l, StringComparison.Ordinal));
        Assert.Equal(began.Count, lines.Count(l => l.StartsWith($"warning: The database in {_data} can be written again", StringComparison.Ordinal)));
        Assert.InRange(began.Count, 1, 20);
        Assert.DoesNotContain("   at ", serval.Errors, StringComparison.Ordinal);
        Assert.InRange(lines.Length, 1, 100);
    }

    [MountFact]
    public async Task Server_KilledOnAFullDisk_ComesBackWithEverythingWhenThereIsRoom()
    {
        await using var mount = await MountAsync();
        await using (var serval = await ServalProcess.UpAsync(_data, default, mount.Launcher))
        {
            var kubectl = Outside(serval);
            await FillAsync(serval, kubectl, mount);
            await serval.KillAsync();
        }
        var (code, _, errors) = await ServalProcess.RunAsync(mount.Launcher, _data, "up", "--http-port", "0", "--api-port", "0");
        Assert.Equal(1, code);
        Assert.Contains($"the data directory {_data} cannot be used", errors, StringComparison.Ordinal);
        Assert.Contains("is full", errors, StringComparison.Ordinal);

        Free(mount);

        await using var again = await ServalProcess.UpAsync(_data, default, mount.Launcher);
        await ExpectAcknowledgedAsync(again);
        await again.Api.PostAsync(ConfigMaps, ConfigMap("later", "v"));
    }

    private static string ConfigMap(string name, string value) =>
        new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["data"] = new JsonObject { ["k"] = value } }.ToJsonString();

    private async Task<PrivateMount> MountAsync()
    {
        var seed = Path.Combine(_outside, "seed");
        await ServalFixture.AddBusyboxAsync(Directory.CreateDirectory(seed).FullName);
        return await PrivateMount.CreateAsync($"mount -t tmpfs -o size=20m,mode=0700 none '{_data}'; cp -a '{seed}/.' '{_data}'; head -c 6m /dev/zero > '{_data}/ballast'");
    }

    private string Filler(PrivateMount mount) => mount.Seen(Path.Combine(_data, "filler"));

    private void Free(PrivateMount mount)
    {
        File.Delete(Filler(mount));
        File.Delete(mount.Seen(Path.Combine(_data, "ballast")));
    }

    // What kubectl keeps beside its configuration does not belong on the full disk.
    private Kubectl Outside(ServalProcess serval)
    {
        var copy = Path.Combine(_outside, "kubeconfig");
        File.Copy(serval.Kubeconfig, copy);
        return new Kubectl(copy);
    }

    // With objects until one is refused, then with a file to the last byte, so that the smallest write is one too many.
    private async Task FillAsync(ServalProcess serval, Kubectl kubectl, PrivateMount mount)
    {
        var value = new string('x', 120_000); // kubectl keeps a copy in an annotation of at most 256 KB
        for (var i = 0; ; i++)
        {
            Assert.True(i < 200, "14 MB took 200 objects of 240 KB");
            var (code, _, errors) = await kubectl.RunAsync(Manifests.ConfigMap($"big-{i}", $$"""{"k": "{{value}}"}"""), "apply", "-f", "-");
            if (code != 0)
            {
                Assert.Contains($"nothing was stored: the database in {_data} cannot be used", errors, StringComparison.Ordinal);
                Assert.Contains("is full: free some space", errors, StringComparison.Ordinal);
                break;
            }
            _acknowledged.Add($"big-{i}");
        }
        Assert.InRange(_acknowledged.Count, 5, 200);
        WriteToTheLastByte(Filler(mount));
        for (var i = 0; i < 200 && (await serval.Api.SendAsync(HttpMethod.Post, ConfigMaps, ConfigMap($"small-{i}", value))).Code == 201; i++)
        {
            _acknowledged.Add($"small-{i}"); // fits into what the database has already
        }
    }

    private static void WriteToTheLastByte(string path)
    {
        using var filler = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        try
        {
            while (filler.Position < 1 << 30)
            {
                filler.Write(page);
            }
            Assert.Fail("the disk took 1 GB");
        }
        catch (IOException)
        {
            // full
        }
    }

    private async Task ExpectRefusedAsync(ServalProcess serval)
    {
        // Moving the log into the database may have made room in what the database has already.
        var value = new string('x', 100_000);
        var last = 0;
        var (code, body) = await serval.Api.SendAsync(HttpMethod.Post, ConfigMaps, ConfigMap("refused-0", value));
        while (code == 201 && last < 200)
        {
            _acknowledged.Add($"refused-{last}");
            (code, body) = await serval.Api.SendAsync(HttpMethod.Post, ConfigMaps, ConfigMap($"refused-{++last}", value));
        }
        var status = JsonNode.Parse(body)!;
        Assert.Equal(507, code);
        Assert.Equal(("Status", "Failure", 507), ((string?)status["kind"], (string?)status["status"], (int?)status["code"]));
        Assert.Contains($"the database in {_data} cannot be used: database or disk is full", (string?)status["message"], StringComparison.Ordinal);
        Assert.Equal(404, (await serval.Api.SendAsync(HttpMethod.Get, $"{ConfigMaps}/refused-{last}", null)).Code);
    }

    private async Task ExpectAcknowledgedAsync(ServalProcess serval)
    {
        var list = await serval.Api.GetAsync(ConfigMaps);
        Assert.Subset(list["items"]!.AsArray().Select(o => (string)o!["metadata"]!["name"]!).ToHashSet(StringComparer.Ordinal), _acknowledged);
    }

    private static async Task<int> ProgramOfAsync(ServalProcess serval, string service)
    {
        var pods = await serval.Api.GetAsync($"/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service={service}");
        var id = (string)Assert.Single(pods["items"]!.AsArray())!["status"]!["containerStatuses"]![0]!["containerID"]!; // process://PID-START
        return int.Parse(id.Split('/', '-')[2], CultureInfo.InvariantCulture);
    }
}
