using System.Diagnostics;
using System.Text.Json.Nodes;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>What happens under the load of the rollout bench, to both services in turn.</summary>
internal sealed class RolloutScript(ServalProcess serval, Report report, BenchOptions options)
{
    private const string MinScale = "autoscaling.knative.dev/min-scale";
    private static readonly string[] s_services = [RolloutLoad.Http1Service, RolloutLoad.Http2Service];

    /// <summary>How many changes were made and took effect.</summary>
    internal int Done { get; private set; }

    internal async Task CreateAsync(CancellationToken ct) =>
        await Services.CreateReadyAsync(serval, [.. s_services.Select(s => (s, Manifest(s, "1", new JsonArray(Target(100, revision: $"{s}-00001"))).ToJsonString()))], 2, ct);

    internal async Task RunAsync(CancellationToken ct)
    {
        await EachAsync("a new revision beside the old one", service => ChangeAsync(service, "2", Traffic(service, 0), ct));
        if (options.Plant)
        {
            KillOne();
        }
        for (var percent = 10; percent <= 100; percent += 10)
        {
            var share = percent;
            await EachAsync($"{share} % to the new revision", service => ChangeAsync(service, "2", Traffic(service, share), ct));
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, ct);
        }
        await EachAsync("a tag", service => ChangeAsync(service, "2", Traffic(service, 100, "blue", "00001"), ct));
        await EachAsync("the tag to another revision", service => ChangeAsync(service, "2", Traffic(service, 100, "blue", "00002"), ct));
        await EachAsync("the tag away", service => ChangeAsync(service, "2", new JsonArray(Target(100, latest: true)), ct));
        await EachAsync("one to ten instances", service => ScaleAsync(service, 10, ct));
        await EachAsync("ten to one instance", service => ScaleAsync(service, 1, ct));
        await EachAsync("the old revision deleted", service => serval.Api.DeleteAsync($"/apis/serving.knative.dev/v1/namespaces/default/revisions/{service}-00001"));
        for (var i = 0; i < 3; i++)
        {
            await EachAsync("a pod deleted", service => DeletePodAsync(service, ct));
        }
    }

    private async Task EachAsync(string what, Func<string, Task> change)
    {
        foreach (var service in s_services)
        {
            report.Step($"{service}: {what}");
            await change(service);
            Done++;
        }
    }

    private async Task ChangeAsync(string service, string version, JsonArray traffic, CancellationToken ct)
    {
        var path = $"{Services.Path}/{service}";
        var patch = new JsonObject { ["spec"] = Manifest(service, version, traffic)["spec"]!.DeepClone() };
        var generation = (long)(await serval.Api.PatchAsync(path, patch.ToJsonString()))["metadata"]!["generation"]!;
        await serval.Api.WatchUntilAsync(
            $"{Services.Path}?fieldSelector=metadata.name%3D{service}", (_, obj) => (long)obj["metadata"]!["generation"]! == generation && KubeHttp.IsReady(obj), ct);
    }

    private async Task ScaleAsync(string service, int instances, CancellationToken ct)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [MinScale] = $"{instances}" } } };
        await serval.Api.PatchAsync($"/apis/serving.knative.dev/v1/namespaces/default/revisions/{service}-00002", patch.ToJsonString());
        await serval.Api.WatchUntilAsync(
            $"/apis/apps/v1/namespaces/default/deployments?fieldSelector=metadata.name%3D{service}-00002-deployment",
            (_, obj) => (int?)obj["status"]?["readyReplicas"] == instances && (int?)obj["status"]?["replicas"] == instances, ct);
    }

    private async Task DeletePodAsync(string service, CancellationToken ct)
    {
        var path = $"/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev%2Fservice%3D{service}";
        var pods = (await serval.Api.GetAsync(path))["items"]!.AsArray();
        var victim = (string)pods.First(p => p!["metadata"]!["deletionTimestamp"] is null)!["metadata"]!["name"]!;
        await serval.Api.DeleteAsync($"/api/v1/namespaces/default/pods/{victim}");
        await serval.Api.WatchUntilAsync(
            path, (_, pod) => (string)pod["metadata"]!["name"]! != victim && pod["metadata"]!["deletionTimestamp"] is null && KubeHttp.ConditionOf(pod, "Ready") == "True", ct);
    }

    /// <summary>The planted fault: a program that dies without a word.</summary>
    private void KillOne()
    {
        var pid = Processes.ChildrenOf(serval.Pid).First(p => File.ReadAllText($"/proc/{p}/environ").Contains($"K_SERVICE={RolloutLoad.Http1Service}\0", StringComparison.Ordinal));
        report.Step($"planted: kill -9 {pid}");
        using var process = Process.GetProcessById(pid);
        process.Kill();
    }

    private static JsonArray Traffic(string service, int share, string tag = "", string tagged = "")
    {
        var traffic = new JsonArray(Target(100 - share, revision: $"{service}-00001"), Target(share, revision: $"{service}-00002"));
        if (share == 0)
        {
            traffic = new JsonArray(Target(100, revision: $"{service}-00001"), Target(0, latest: true));
        }
        if (tag.Length > 0)
        {
            var target = Target(0, revision: $"{service}-{tagged}");
            target["tag"] = tag;
            traffic.Add(target);
        }
        return traffic;
    }

    private static JsonObject Target(int percent, string? revision = null, bool latest = false)
    {
        var target = new JsonObject { ["percent"] = percent, ["latestRevision"] = latest };
        if (revision is not null)
        {
            target["revisionName"] = revision;
        }
        return target;
    }

    private static JsonObject Manifest(string name, string version, JsonArray traffic)
    {
        var h2c = name == RolloutLoad.Http2Service;
        var manifest = Services.Manifest(name, new JsonObject { [MinScale] = "1" }, new JsonObject
        {
            ["image"] = Programs.Echo,
            ["ports"] = new JsonArray(new JsonObject { ["name"] = h2c ? "h2c" : "http1", ["containerPort"] = 8080 }),
            ["env"] = new JsonArray(Variable("PROTOCOL", h2c ? "h2c" : "http1"), Variable("VERSION", version)),
        });
        manifest["spec"]!["traffic"] = traffic;
        return manifest;

        static JsonObject Variable(string name, string value) => new() { ["name"] = name, ["value"] = value };
    }
}
