using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Crds;
using Serval.ApiServer.Definitions;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// What a delete does to an object: gone at once, or marked and left to its finalizers, its node, or its namespace's controller. Pure.
/// (apiserver: rest.BeforeDelete, registry.Store.Delete.)
/// </summary>
internal static class Deletion
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";
    private const long LongestGrace = 100L * 365 * 24 * 3600; // seconds; what is longer would not fit into a date

    /// <summary>Throws 409 when the object is not the one that the delete means.</summary>
    internal static void Require(ResourceKind kind, KubeObject present, DeleteOptions options)
    {
        var (uid, version) = (present.Metadata.Uid, present.Metadata.ResourceVersion);
        if (kind == Kinds.Namespace || kind == Kinds.CustomResourceDefinition)
        {
            RequireOwn(kind, present, options); // they have a Delete of their own
            return;
        }
        if (options.Uid.Length > 0 && options.Uid != uid)
        {
            throw ApiException.DeleteConflict(kind, present.Metadata.Name,
                $"the UID in the precondition ({options.Uid}) does not match the UID in record ({uid}). The object might have been deleted and then recreated");
        }
        if (options.ResourceVersion.Length > 0 && options.ResourceVersion != version)
        {
            throw ApiException.DeleteConflict(kind, present.Metadata.Name,
                $"the ResourceVersion in the precondition ({options.ResourceVersion}) does not match the ResourceVersion in record ({version}). The object might have been modified");
        }
    }

    // registry: core/namespace, customresourcedefinition
    private static void RequireOwn(ResourceKind kind, KubeObject present, DeleteOptions options)
    {
        Admission.RequireUid(kind, present, options.Uid);
        if (options.ResourceVersion.Length > 0 && options.ResourceVersion != present.Metadata.ResourceVersion)
        {
            throw ApiException.Conflict(kind, present.Metadata.Name,
                $"Precondition failed: ResourceVersion in precondition: {options.ResourceVersion}, ResourceVersion in object meta: {present.Metadata.ResourceVersion}");
        }
    }

    /// <summary>Whether objects of the kind go at once, whatever their dependents are told (registry/core/event: no garbage collection).</summary>
    private static bool HasNoDependents(ResourceKind kind) => kind.StoredAs == Kinds.Event;

    /// <summary>What a delete without a policy does to the dependents: those of a Job are left alone, as ever (registry/batch/job: strategy.go).</summary>
    internal static string DefaultPolicy(ResourceKind kind) => kind == BatchKinds.Job ? Orphan : "";

    /// <summary>The marked object; null when it goes at once.</summary>
    internal static KubeObject? Mark(ResourceKind kind, KubeObject present, DeleteOptions options, DateTimeOffset now)
    {
        if (kind == Kinds.Namespace && present.Metadata.IsDeleting && present.As<Namespace>().Spec.Finalizers.Count > 0)
        {
            return present;
        }
        if (Stop(kind, present, options, now) is not (var at, var grace))
        {
            return present;
        }
        var finalizers = HasNoDependents(kind) ? [.. present.Metadata.Finalizers] : Finalizers(kind, present, options.PropagationPolicy);
        if (kind == Kinds.CustomResourceDefinition && !present.Metadata.IsDeleting && !finalizers.Contains(DefinitionConditions.Finalizer))
        {
            finalizers.Add(DefinitionConditions.Finalizer);
        }
        var lives = finalizers.Count > 0 || grace > 0 || (kind == Kinds.Namespace && !present.Metadata.IsDeleting); // of a namespace the first delete only marks (registry/core/namespace: storage.go)
        return lives ? present.With(tree => Mark(kind, tree, present.Metadata, at, grace, finalizers)) : null;
    }

    private static void Mark(ResourceKind kind, JsonObject tree, ObjectMeta before, DateTimeOffset at, long grace, List<string> finalizers)
    {
        var metadata = tree["metadata"]!.AsObject();
        metadata["deletionTimestamp"] = KubeTime.Text(at);
        if (kind != Kinds.Namespace && kind != Kinds.CustomResourceDefinition) // their own Delete sets the time alone (registry: core/namespace, customresourcedefinition)
        {
            metadata["deletionGracePeriodSeconds"] = grace;
        }
        metadata["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode)f)]);
        if (finalizers.Count == 0)
        {
            metadata.Remove("finalizers");
        }
        if (before.IsDeleting)
        {
            return;
        }
        if (before.Generation > 0 && kind != Kinds.CustomResourceDefinition)
        {
            metadata["generation"] = before.Generation + 1;
        }
        if (kind == Kinds.CustomResourceDefinition)
        {
            DefinitionAdmission.MarkTerminating(tree, at);
        }
        if (kind == Kinds.Namespace)
        {
            tree["status"] = new JsonObject { ["phase"] = "Terminating" };
        }
    }

    /// <summary>
    /// When the object is to be stopped, and after how long a grace. A second delete only shortens what is left of the first one's grace; null:
    /// it does not, and changes nothing else either.
    /// </summary>
    private static (DateTimeOffset At, long Grace)? Stop(ResourceKind kind, KubeObject present, DeleteOptions options, DateTimeOffset now)
    {
        var asked = options.GracePeriodSeconds < 0 ? 1 : options.GracePeriodSeconds;
        if (present.Metadata.DeletionTimestamp is not { } end)
        {
            var first = kind == Kinds.Pod ? PodGrace(present.As<Pod>(), asked) : 0;
            return (now + Span(first), first);
        }
        var grace = present.Metadata.DeletionGracePeriodSeconds ?? 0;
        if (grace == 0)
        {
            return (end, 0);
        }
        return asked is { } shorter && shorter < grace ? (end - Span(grace) + Span(shorter), shorter) : null;
    }

    /// <summary>A pod that runs on a node gets its grace; one without a node, or finished, has nothing to stop.</summary>
    private static long PodGrace(Pod pod, long? asked)
    {
        if (pod.Spec.NodeName.Length == 0 || pod.Status.Phase is "Succeeded" or "Failed")
        {
            return 0;
        }
        var grace = asked ?? pod.Spec.TerminationGracePeriodSeconds ?? 30;
        return grace < 0 ? 1 : grace;
    }

    /// <summary>The policy's finalizer beside those of others. Without a policy, the one that somebody put there stays.</summary>
    private static List<string> Finalizers(ResourceKind kind, KubeObject present, string policy)
    {
        if (policy.Length == 0)
        {
            return [.. present.Metadata.Finalizers, .. DefaultPolicy(kind) == Orphan && !present.Metadata.Finalizers.Any(f => f is Foreground or Orphan) ? [Orphan] : (string[])[]];
        }
        var finalizers = present.Metadata.Finalizers.Where(f => f is not (Foreground or Orphan));
        return policy switch
        {
            "Foreground" => [.. finalizers, Foreground],
            "Orphan" => [.. finalizers, Orphan],
            _ => [.. finalizers],
        };
    }

    private static TimeSpan Span(long seconds) => TimeSpan.FromSeconds(Math.Min(seconds, LongestGrace));
}
