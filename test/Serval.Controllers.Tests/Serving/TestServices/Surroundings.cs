using Serval.Api;
using Serval.Api.Networking;

namespace Serval.Controllers.Tests.Serving;

/// <summary>What is below Serving, done at once: Deployments are available, autoscalers ready, Ingresses programmed.</summary>
internal sealed class Surroundings
{
    /// <summary>Revisions whose instances never come up.</summary>
    public HashSet<string> Failing { get; } = [];

    /// <summary>Revisions whose instances are not there yet.</summary>
    public HashSet<string> Waiting { get; } = [];

    internal async Task ActAsync(ServingWorld world)
    {
        foreach (var scaler in world.Client.Cache(Kinds.PodAutoscaler).List("default").Where(s => s.ToTree()["status"] is null && !Waiting.Contains(s.Metadata.Name)))
        {
            var name = scaler.Metadata.Name;
            var failing = Failing.Contains(name);
            await world.PatchStatusAsync(Kinds.Deployment, name + "-deployment", failing
                ? """{"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"it took too long"}]}"""
                : """{"readyReplicas":1,"conditions":[{"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable"}]}""");
            await world.PatchStatusAsync(Kinds.PodAutoscaler, name, failing
                ? $$"""{"serviceName":"{{name}}","conditions":[{"type":"Ready","status":"Unknown","reason":"Queued"}]}"""
                : $$"""{"serviceName":"{{name}}","actualScale":1,"desiredScale":1,"conditions":[{"type":"Ready","status":"True"},{"type":"ScaleTargetInitialized","status":"True"}]}""");
        }
        foreach (var ingress in world.Client.Cache(Kinds.KIngress).List("default").Where(i => i.As<KIngress>().Status.ObservedGeneration != i.Metadata.Generation))
        {
            await world.PatchStatusAsync(Kinds.KIngress, ingress.Metadata.Name,
                $$"""{"observedGeneration":{{ingress.Metadata.Generation}},"conditions":[{"type":"Ready","status":"True"}]}""");
        }
    }
}
