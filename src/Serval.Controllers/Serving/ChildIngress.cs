using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Controllers.Serving;

/// <summary>The Ingress of a Route or a DomainMapping, and what their condition IngressReady says of it.</summary>
internal static class ChildIngress
{
    private const string Condition = "IngressReady";

    /// <summary>The Ingress as it should be. Its making is told.</summary>
    /// <exception cref="OwnerConflictException">An Ingress of that name is another's.</exception>
    internal static async Task<KubeObject> WriteAsync(IKubeClient client, KubeObject owner, JsonObject desired, EventReporter events, string manager, CancellationToken ct)
    {
        var isNew = client.Cache(Kinds.KIngress).Get(new ObjectKey(owner.Metadata.Namespace, (string)desired["metadata"]!["name"]!)) is null;
        try
        {
            var ingress = await OwnedObjects.MirrorAsync(client, Kinds.KIngress, desired, _ => false, manager, ct);
            if (isNew)
            {
                events.Normal(owner, "Created", $"Created Ingress \"{ingress.Metadata.Name}\"");
            }
            return ingress;
        }
        catch (ApiException e) when (isNew && e.IsRejection)
        {
            events.Warning(owner, "CreationFailed", $"Failed to create Ingress: {e.Message}");
            throw;
        }
    }

    internal static void MarkUnconfigured(ConditionSet conditions) =>
        conditions.MarkUnknown(Condition, "IngressNotConfigured", "Ingress has not yet been reconciled.");

    /// <summary>What the Ingress says of its present generation.</summary>
    internal static void Mark(ConditionSet conditions, KubeObject ingress)
    {
        var state = ingress.As<KIngress>().Status;
        if (ingress.Metadata.Generation != state.ObservedGeneration)
        {
            MarkUnconfigured(conditions);
        }
        else
        {
            conditions.Take(Condition, state.Conditions.FirstOrDefault(c => c.Type == "Ready"), "IngressNotConfigured");
        }
    }
}
