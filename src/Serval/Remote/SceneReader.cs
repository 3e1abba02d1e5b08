using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Apps;
using Serval.Api.Autoscaling;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Api.Stories;

namespace Serval.Remote;

/// <summary>Reads what a story is told from.</summary>
internal sealed class SceneReader(RemoteClient client, string ns, DateTimeOffset now)
{
    private const int MostLogs = 3;
    private const string LogLines = "6";

    public async Task<StoryScene> ReadAsync(ResourceKind kind, JsonObject subject, CancellationToken ct)
    {
        var scene = new StoryScene
        {
            Now = now, Subject = KubeObject.From(subject), Conditions = Conditions.Of(subject), BadSettings = await BadSettingsAsync(ct),
            IsCurrent = !subject.Object("status").Has("observedGeneration") || Conditions.AreCurrent(subject),
        };
        var name = scene.Subject.Metadata.Name;
        if (kind == Kinds.Pod)
        {
            return scene with { Pods = [await PodAsync(scene.Subject.As<Pod>(), ct)] };
        }
        if (kind == Kinds.Revision)
        {
            return scene with { Revisions = [await RevisionAsync(scene.Subject.As<Revision>(), ct)] };
        }
        if (kind == Kinds.KService)
        {
            scene = scene with { Configuration = await FindAsync<Configuration>(Kinds.Configuration, name, ct), Route = await FindAsync<Route>(Kinds.Route, name, ct) };
        }
        if (kind != Kinds.KService && kind != Kinds.Configuration && kind != Kinds.Route)
        {
            return scene;
        }
        var configuration = kind == Kinds.Configuration ? scene.Subject.As<Configuration>() : scene.Configuration;
        var route = kind == Kinds.Route ? scene.Subject.As<Route>() : scene.Route;
        var revisions = new List<RevisionScene>();
        foreach (var revision in Names(configuration, route))
        {
            if (await FindAsync<Revision>(Kinds.Revision, revision, ct) is { } found)
            {
                revisions.Add(await RevisionAsync(found, ct));
            }
        }
        return scene with { Revisions = revisions };
    }

    // The newest, then what traffic goes to or is to go to.
    private static IEnumerable<string> Names(Configuration? configuration, Route? route) =>
        new[] { configuration?.Status.LatestCreatedRevisionName ?? "" }
            .Concat((route?.Status.Traffic ?? []).Concat(route?.Spec.Traffic ?? []).Select(t => t.RevisionName))
            .Where(n => n.Length > 0).Distinct();

    private async Task<RevisionScene> RevisionAsync(Revision revision, CancellationToken ct)
    {
        (string, string)[] own = [("labelSelector", $"{KnativeNames.RevisionLabel}={revision.Metadata.Name}")];
        var pods = new List<PodScene>();
        foreach (var pod in (await ListAsync<Pod>(Kinds.Pod, own, ct)).OrderBy(p => p.Metadata.CreationTimestamp))
        {
            pods.Add(pods.Count(p => p.Logs.Count > 0) < MostLogs ? await PodAsync(pod, ct) : new PodScene(pod));
        }
        return new RevisionScene(revision)
        {
            Autoscaler = await FindAsync<PodAutoscaler>(Kinds.PodAutoscaler, revision.Metadata.Name, ct),
            Deployment = (await ListAsync<Deployment>(Kinds.Deployment, own, ct)).FirstOrDefault(),
            ReplicaSets = [.. (await ListAsync<ReplicaSet>(Kinds.ReplicaSet, own, ct)).Where(s => s.Spec.Replicas > 0)],
            Pods = pods,
        };
    }

    private async Task<PodScene> PodAsync(Pod pod, CancellationToken ct)
    {
        if (PodTroubles.IsReady(pod) || pod.Metadata.IsDeleting)
        {
            return new PodScene(pod);
        }
        var events = await ObjectList.ReadAsync(client, Kinds.Event, ns, ct, ("fieldSelector", $"involvedObject.uid={pod.Metadata.Uid},type=Warning"));
        var logs = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var container in PodTroubles.Containers(pod).Where(c => PodTroubles.Of(pod, c) is not null))
        {
            if (await LogAsync(pod.Metadata.Name, container.Name, ct) is { Count: > 0 } lines)
            {
                logs[container.Name] = lines;
            }
        }
        return new PodScene(pod)
        {
            Warnings = [.. events.OrderBy(e => e.String("lastTimestamp"), StringComparer.Ordinal).Select(e => e.String("message"))], Logs = logs,
        };
    }

    private async Task<IReadOnlyList<string>> LogAsync(string pod, string container, CancellationToken ct)
    {
        try
        {
            using var response = await client.OpenAsync(ResourcePath.Of(Kinds.Pod, ns, pod, "log", ("container", container), ("tailLines", LogLines)), ct);
            return (await response.Content.ReadAsStringAsync(ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (ApiException)
        {
            return []; // it has printed nothing, because it never started
        }
    }

    private async Task<IReadOnlyList<(string, string)>> BadSettingsAsync(CancellationToken ct) =>
        [.. (await ObjectList.ReadAsync(client, Kinds.ConfigMap, KnativeNames.SystemNamespace, ct))
            .Select(m => KubeObject.From(m).As<ConfigMap>())
            .Select(m => (m.Metadata.Name, Problem: ServingConfig.Check(m.Metadata.Name, m.Data).Error?.Message ?? ""))
            .Where(m => m.Problem.Length > 0)];

    private async Task<T?> FindAsync<T>(ResourceKind kind, string name, CancellationToken ct)
        where T : class, IKubeView<T> =>
        await client.FindAsync(ResourcePath.Of(kind, ns, name), ct) is { } found ? KubeObject.From(found).As<T>() : null;

    private async Task<IEnumerable<T>> ListAsync<T>(ResourceKind kind, (string, string)[] query, CancellationToken ct)
        where T : class, IKubeView<T> =>
        (await ObjectList.ReadAsync(client, kind, ns, ct, query)).Select(o => KubeObject.From(o).As<T>());
}
