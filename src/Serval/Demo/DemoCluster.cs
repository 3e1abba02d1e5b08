using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Demo;

/// <summary>The demo's service in the running Serval: deploy, watch, remove. All waiting is watching.</summary>
internal sealed class DemoCluster(IKubeClient client, string name)
{
    private const string Namespace = "default";
    private static readonly WriteOptions s_write = new() { FieldManager = "serval-demo", FieldValidation = FieldValidation.Strict };
    private readonly ObjectKey _key = new(Namespace, name);

    public async Task DeployAsync(JsonObject manifest, CancellationToken ct)
    {
        manifest["metadata"]!["namespace"] = Namespace;
        await client.CreateAsync(Kinds.KService, KubeObject.From(manifest), s_write, ct);
    }

    /// <summary>Waits for Ready, then gives the service.</summary>
    public async Task<KService> WaitReadyAsync(CancellationToken ct)
    {
        var last = "no status yet";
        try
        {
            var ready = await FirstAsync(Kinds.KService, $"metadata.name={name}", "", change => change.Type != WatchEventType.Deleted && IsReady(change.Object.As<KService>(), ref last), ct);
            return ready.As<KService>();
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCanceledException($"service {name} did not become ready: {last}", e, ct);
        }
    }

    /// <summary>Waits until no pod of the service is left.</summary>
    public async Task WaitNoPodsAsync(CancellationToken ct)
    {
        var pods = new HashSet<string>(StringComparer.Ordinal);
        while (true)
        {
            pods.Clear();
            var list = await client.ListAsync(Kinds.Pod, Namespace, new ListOptions { LabelSelector = Selector }, ct);
            pods.UnionWith(list.Items.Select(p => p.Metadata.Name));
            if (pods.Count == 0)
            {
                return;
            }
            await FirstAsync(Kinds.Pod, "", list.ResourceVersion.ToString(), change => Track(pods, change) == 0, ct);
        }
    }

    public async Task DeleteAsync(CancellationToken ct)
    {
        await client.DeleteAsync(Kinds.KService, _key, DeleteOptions.Background, ct);
        await WaitNoPodsAsync(ct);
    }

    private string Selector => $"serving.knative.dev/service={name}";

    private static int Track(HashSet<string> pods, WatchEvent change)
    {
        if (change.Type == WatchEventType.Deleted)
        {
            pods.Remove(change.Object.Metadata.Name);
        }
        else if (change.Type != WatchEventType.Bookmark)
        {
            pods.Add(change.Object.Metadata.Name);
        }
        return pods.Count;
    }

    private static bool IsReady(KService service, ref string last)
    {
        var ready = service.Status.Conditions.FirstOrDefault(c => c.Type == "Ready");
        if (ready is not null)
        {
            last = $"{ready.Reason}: {ready.Message}".Trim(' ', ':');
        }
        return ready?.Status == "True" && service.Status.Url.Length > 0;
    }

    private async Task<KubeObject> FirstAsync(ResourceKind kind, string field, string version, Func<WatchEvent, bool> found, CancellationToken ct)
    {
        var options = new WatchOptions { FieldSelector = field, LabelSelector = kind == Kinds.Pod ? Selector : "", ResourceVersion = version };
        while (true)
        {
            try
            {
                await foreach (var change in client.WatchAsync(kind, Namespace, options, ct))
                {
                    if (found(change))
                    {
                        return change.Object;
                    }
                }
            }
            catch (ApiException e) when (e.Code == 410)
            {
                options = options with { ResourceVersion = "" };
            }
        }
    }
}
