using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>
/// Makes and unmakes the pods of a controller. One is created with its node already set when there is one, so that no scheduler stands between the
/// wish and the spawn; one that does not fit waits for <see cref="PodBindingReconciler"/>.
/// </summary>
internal sealed class PodMaker(IKubeClient client, NodeRoom room, IEventRecorder events, string manager)
{
    private readonly EventReporter _events = new(events, manager);
    private readonly BindingReport _bindings = new(events);

    /// <param name="owner">The controller, with a template in its spec.</param>
    /// <param name="needs">The template's pod.</param>
    /// <param name="edit">Changes the pod's metadata and spec; null leaves them as the template has them.</param>
    /// <param name="ct">Gives up.</param>
    internal async Task CreateAsync(KubeObject owner, PodSpec needs, Action<JsonObject, JsonObject>? edit, CancellationToken ct)
    {
        using var place = room.Take(needs, owner.Metadata.Uid); // none: it gets one when there is one
        try
        {
            var pod = await client.CreateAsync(Kinds.Pod, NewPod(owner, place.Node, edit), WriteOptions.By(manager), ct);
            _events.Normal(owner, "SuccessfulCreate", $"Created pod: {pod.Metadata.Name}");
            if (place.Node.Length > 0)
            {
                _bindings.Bound(pod, place.Node);
            }
        }
        catch (ApiException e) when (!e.IsNamespaceTerminating)
        {
            _events.Warning(owner, "FailedCreate", $"Error creating: {e.Message}");
            throw;
        }
    }

    internal Task DeleteAsync(KubeObject owner, IEnumerable<KubeObject> pods, CancellationToken ct) => Task.WhenAll(pods.Select(async pod =>
    {
        await OwnedObjects.DeleteIfPresentAsync(client, Kinds.Pod, pod, ct);
        _events.Normal(owner, "SuccessfulDelete", $"Deleted pod: {pod.Metadata.Name}");
    }));

    private static KubeObject NewPod(KubeObject owner, string node, Action<JsonObject, JsonObject>? edit)
    {
        var template = owner.ToTree()["spec"]!["template"]!.AsObject();
        var metadata = template["metadata"] as JsonObject ?? [];
        var spec = template["spec"]!.AsObject();
        template.Clear();
        metadata.Remove("creationTimestamp");
        metadata["generateName"] = owner.Metadata.Name + "-";
        metadata["namespace"] = owner.Metadata.Namespace;
        metadata["ownerReferences"] = OwnedObjects.OwnedBy(owner);
        edit?.Invoke(metadata, spec);
        if (node.Length > 0 && spec["schedulingGates"] is not JsonArray { Count: > 0 }) // who waits at a gate has no node yet
        {
            spec["nodeName"] = node;
        }
        return KubeObject.From(new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = metadata, ["spec"] = spec });
    }
}
