using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>What a delete does to an object: gone at once, or marked and left to its finalizers, its node, or its namespace's controller. Pure.</summary>
internal static class Deletion
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";
    private const long LongestGrace = 100L * 365 * 24 * 3600; // seconds; what is longer would not fit into a date

    /// <summary>The marked object; null when it goes at once.</summary>
    internal static KubeObject? Mark(ResourceKind kind, KubeObject present, DeleteOptions options, DateTimeOffset now)
    {
        var finalizers = Finalizers(present, options);
        var grace = kind == Kinds.Pod ? PodGrace(present, options) : 0;
        var lives = finalizers.Count > 0 || grace > 0 || kind == Kinds.Namespace && present.As<Namespace>().Spec.Finalizers.Count > 0;
        if (!lives)
        {
            return null;
        }
        if (present.Metadata.IsDeleting && grace >= (present.Metadata.DeletionGracePeriodSeconds ?? 0) && SameFinalizers(present, finalizers))
        {
            return present; // a second delete shortens, never lengthens
        }
        return present.With(tree =>
        {
            var metadata = tree["metadata"]!.AsObject();
            metadata["deletionTimestamp"] = KubeTime.Text(now + TimeSpan.FromSeconds(Math.Min(grace, LongestGrace)));
            metadata["deletionGracePeriodSeconds"] = grace;
            if (!present.Metadata.IsDeleting && present.Metadata.Generation > 0)
            {
                metadata["generation"] = present.Metadata.Generation + 1;
            }
            if (finalizers.Count > 0)
            {
                metadata["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]);
            }
            if (kind == Kinds.Namespace)
            {
                tree["status"] = new JsonObject { ["phase"] = "Terminating" };
            }
        });
    }

    private static List<string> Finalizers(KubeObject present, DeleteOptions options)
    {
        var finalizers = present.Metadata.Finalizers.Where(f => f is not (Foreground or Orphan)).ToList();
        if (options.PropagationPolicy == "Foreground")
        {
            finalizers.Add(Foreground);
        }
        else if (options.PropagationPolicy == "Orphan")
        {
            finalizers.Add(Orphan);
        }
        else if (present.Metadata.IsDeleting)
        {
            finalizers = [.. present.Metadata.Finalizers];
        }
        return finalizers;
    }

    /// <summary>A pod that runs on a node gets its grace; one without a node, or finished, has nothing to stop.</summary>
    private static long PodGrace(KubeObject present, DeleteOptions options)
    {
        var pod = present.As<Pod>();
        return pod.Spec.NodeName.Length == 0 || pod.Status.Phase is "Succeeded" or "Failed"
            ? 0
            : Math.Max(0, options.GracePeriodSeconds ?? pod.Spec.TerminationGracePeriodSeconds ?? 30);
    }

    private static bool SameFinalizers(KubeObject present, List<string> finalizers) => present.Metadata.Finalizers.SequenceEqual(finalizers);
}
