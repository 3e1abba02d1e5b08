using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Kube;

namespace Serval.Controllers.Networking;

/// <summary>
/// The Ingress's status: Ready once the table in force contains its generation, else why not. It writes nothing before the data plane has taken its turn.
/// </summary>
internal sealed class IngressReconciler(IKubeClient client, IIngressStates states, TimeProvider time) : IReconciler
{
    private const string Configured = "NetworkConfigured";
    private const string Balanced = "LoadBalancerReady";
    private const string Honoured = "FieldsHonoured";

    public string Name => "ingress-controller";

    public ResourceKind Kind => Kinds.KIngress;

    public void Started(Action<ObjectKey> enqueue) => states.Changed = enqueue;

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (client.Cache(Kinds.KIngress).Get(key) is not { Metadata.IsDeleting: false } stored
            || states.StateOf(key) is not { } state
            || state.Uid != stored.Metadata.Uid || state.Generation != stored.Metadata.Generation)
        {
            return ReconcileResult.Done; // the data plane runs this again when it has compiled the present generation
        }
        var before = stored.As<KIngress>().Status;
        var conditions = new ConditionSet(before.Conditions, time.GetUtcNow(), Configured, Balanced);
        Mark(conditions, state);
        var status = new JsonObject
        {
            ["observedGeneration"] = stored.Metadata.Generation,
            ["publicLoadBalancer"] = LoadBalancer(ControllerSets.GatewayHost),
            ["privateLoadBalancer"] = LoadBalancer(ControllerSets.PrivateGatewayHost),
            ["conditions"] = conditions.ToJson(),
        };
        await OwnedObjects.PatchStatusAsync(client, Kinds.KIngress, stored, status, Name, ct);
        return ReconcileResult.Done;
    }

    private static void Mark(ConditionSet conditions, IngressState state)
    {
        if (state.Error.Length > 0)
        {
            var kept = state.ServesOlder ? " (the last good version keeps serving)" : "";
            conditions.MarkFalse(Configured, "InvalidIngress", state.Error + kept);
        }
        else if (state.Conflicts.Count > 0)
        {
            var hosts = string.Join("; ", state.Conflicts.Select(c => $"host {c.Host} belongs to the older Ingress {c.Winner}"));
            conditions.MarkFalse(Configured, "HostConflict", $"{hosts}: use another host, or delete that Ingress");
        }
        else
        {
            conditions.MarkTrue(Configured);
        }
        conditions.MarkTrue(Balanced);
        if (state.TlsProblems.Count > 0)
        {
            conditions.MarkFalse(Honoured, "InvalidCertificate", string.Join(" ", state.TlsProblems), "Warning");
        }
        else if (state.Warnings.Count > 0)
        {
            conditions.MarkFalse(Honoured, "NotSupported", string.Join(" ", state.Warnings), "Info");
        }
        else
        {
            conditions.Clear(Honoured);
        }
    }

    private static JsonObject LoadBalancer(string host) => new() { ["ingress"] = new JsonArray(new JsonObject { ["domainInternal"] = host }) };
}
