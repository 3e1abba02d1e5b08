using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>Copies the logs of pods to standard output, line by line with the pod's name where there are several.</summary>
internal sealed class LogReader(RemoteClient client, CliContext context, string ns, (string Key, string Value)[] query)
{
    private readonly Lock _line = new(); // lines of several pods must not mix

    public Task CopyAsync(string pod, string prefix, CancellationToken ct) => CopyAsync(pod, prefix, query, ct);

    private async Task CopyAsync(string pod, string prefix, (string Key, string Value)[] asked, CancellationToken ct)
    {
        using var response = await client.OpenAsync(ResourcePath.Of(Kinds.Pod, ns, pod, "log", asked), ct);
        await using var content = await response.Content.ReadAsStreamAsync(ct);
        if (prefix.Length == 0)
        {
            await content.CopyToAsync(context.RawOut, ct);
            await context.RawOut.FlushAsync(ct);
            return;
        }
        using var reader = new StreamReader(content);
        while (await reader.ReadLineAsync(ct) is { } line)
        {
            lock (_line)
            {
                context.Out.WriteLine($"{prefix}{line}");
            }
        }
    }

    /// <summary>The logs of every pod there is; returns how many.</summary>
    public async Task<int> CopyAllAsync(string selector, CancellationToken ct)
    {
        var list = await client.GetAsync(ResourcePath.Of(Kinds.Pod, ns, query: [("labelSelector", selector)]), ct);
        var names = (list["items"] as JsonArray ?? []).Select(p => (string?)p?["metadata"]?["name"]).OfType<string>().ToArray();
        foreach (var name in names)
        {
            await CopyAsync(name, names.Length > 1 ? $"[{name}] " : "", ct);
        }
        return names.Length;
    }

    /// <summary>Follows every pod, those that start later too and through restarts of their containers, until cancelled.</summary>
    public async Task FollowAllAsync(string selector, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var followed = new Dictionary<string, PodFollower>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                var path = ResourcePath.Of(Kinds.Pod, ns, query: [("watch", "true"), ("labelSelector", selector)]);
                await foreach (var (type, pod) in client.WatchAsync(path, ct))
                {
                    var name = (string?)pod["metadata"]?["name"] ?? "";
                    if (type is "ADDED" or "MODIFIED" && RunOf(pod) is { } run)
                    {
                        if (!followed.TryGetValue(name, out var follower))
                        {
                            followed[name] = follower = new PodFollower(again => FollowAsync(name, again, stop.Token), stop.Token);
                        }
                        follower.Started(run);
                    }
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(followed.Values.Select(f => f.Ended));
        }
    }

    /// <summary>Which run of its containers a pod is in; null while one of them waits to be started.</summary>
    private static int? RunOf(JsonObject pod) =>
        pod["status"]?["containerStatuses"] is JsonArray { Count: > 0 } containers && containers.All(c => c?["state"]?["waiting"] is null)
            ? containers.Sum(c => (int?)c?["restartCount"] ?? 0)
            : null;

    private async Task FollowAsync(string pod, bool again, CancellationToken ct)
    {
        try
        {
            // Of a run that begins while we look every line is new.
            await CopyAsync(pod, $"[{pod}] ", again ? [.. query.Where(q => q.Key is not ("tailLines" or "previous"))] : query, ct);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C.
        }
        catch (Exception e) when (e is ApiException or CliException or IOException)
        {
            context.Warn($"the log of pod {pod} ended: {e.Message}");
        }
    }
}
