using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube;

/// <summary>How long a Lease (coordination.k8s.io/v1) counts that nobody renews.</summary>
public static class LeaseTerm
{
    private const int MostSeconds = 3600; // more than a timer bears is nonsense

    /// <summary>What the Lease says, at most an hour.</summary>
    /// <param name="lease">The Lease.</param>
    /// <param name="otherwise">For one that says nothing sensible.</param>
    public static TimeSpan Of(KubeObject lease, TimeSpan otherwise) =>
        (lease.ToTree()["spec"] as JsonObject)?["leaseDurationSeconds"] is JsonValue value && value.TryGetValue<int>(out var seconds) && seconds > 0
            ? TimeSpan.FromSeconds(Math.Min(seconds, MostSeconds))
            : otherwise;
}
