using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Serval.Testing;

namespace Serval.Bench;

/// <summary>Knative Services of a bench.</summary>
internal static class Services
{
    internal const string Path = "/apis/serving.knative.dev/v1/namespaces/default/services";

    internal static string Manifest(string name, string image, string[] arguments, bool atZero)
    {
        var annotations = new JsonObject { ["autoscaling.knative.dev/window"] = "6s" };
        if (atZero)
        {
            annotations["autoscaling.knative.dev/initial-scale"] = "0";
        }
        var container = new JsonObject { ["image"] = image };
        if (arguments.Length > 0)
        {
            container["args"] = new JsonArray([.. arguments.Select(a => (JsonNode)a)]);
        }
        return Manifest(name, annotations, container).ToJsonString();
    }

    internal static JsonObject Manifest(string name, JsonObject annotations, JsonObject container) => new()
    {
        ["apiVersion"] = "serving.knative.dev/v1",
        ["kind"] = "Service",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["template"] = new JsonObject
            {
                ["metadata"] = new JsonObject { ["annotations"] = annotations },
                ["spec"] = new JsonObject { ["containers"] = new JsonArray(container) },
            },
        },
    };

    /// <summary>Lets a service begin at zero (config-autoscaler) and shortens the way back to zero to what Knative allows.</summary>
    internal static Task AllowZeroAsync(ServalProcess serval) => serval.Api.PatchAsync(
        "/api/v1/namespaces/knative-serving/configmaps/config-autoscaler",
        """{"data":{"allow-zero-initial-scale":"true","scale-to-zero-grace-period":"6s"}}""");

    /// <summary>Lets instances go six seconds after their load did.</summary>
    internal static Task QuickWindowAsync(ServalProcess serval) => serval.Api.PatchAsync(
        "/api/v1/namespaces/knative-serving/configmaps/config-autoscaler", """{"data":{"stable-window":"6s"}}""");

    /// <summary>Creates services, so many at a time, and waits until all are Ready.</summary>
    internal static async Task CreateReadyAsync(ServalProcess serval, IReadOnlyList<(string Name, string Json)> services, int parallel, CancellationToken ct)
    {
        var waiting = new ConcurrentDictionary<string, bool>(services.Select(s => KeyValuePair.Create(s.Name, true)));
        var ready = serval.Api.WatchUntilAsync(Path, (_, obj) =>
        {
            if (KubeHttp.IsReady(obj))
            {
                waiting.TryRemove((string)obj["metadata"]!["name"]!, out bool _);
            }
            return waiting.IsEmpty;
        }, ct);
        await Parallel.ForEachAsync(services, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = ct },
            async (service, _) => await serval.Api.PostAsync(Path, service.Json));
        await ready;
    }

    /// <summary>Waits until no pod is left, so that no process can be.</summary>
    internal static async Task WaitForZeroAsync(ServalProcess serval, CancellationToken ct)
    {
        var pods = new HashSet<string>();
        var list = await serval.Api.GetAsync("/api/v1/namespaces/default/pods");
        foreach (var pod in list["items"]!.AsArray())
        {
            pods.Add((string)pod!["metadata"]!["name"]!);
        }
        if (pods.Count > 0)
        {
            var version = (string)list["metadata"]!["resourceVersion"]!;
            await serval.Api.WatchUntilAsync($"/api/v1/namespaces/default/pods?resourceVersion={version}", (type, pod) =>
            {
                var name = (string)pod["metadata"]!["name"]!;
                _ = type == "DELETED" ? pods.Remove(name) : pods.Add(name);
                return pods.Count == 0;
            }, ct);
        }
        if (Processes.ChildrenOf(serval.Pid).Any())
        {
            throw new InvalidOperationException($"no pod is left, but processes are: {string.Join(' ', Processes.ChildrenOf(serval.Pid))}");
        }
    }
}
