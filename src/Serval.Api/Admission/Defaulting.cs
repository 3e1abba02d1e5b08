using System.Text.Json.Nodes;
using Serval.Api.Crds;

namespace Serval.Api.Admission;

/// <summary>Fills in what an author left out, as Kubernetes and Knative do before they validate. Pure: the tree is the only thing changed.</summary>
public static class Defaulting
{
    /// <param name="kind">The object's kind.</param>
    /// <param name="tree">The whole new object; changed in place.</param>
    /// <param name="old">The stored object on an update.</param>
    /// <param name="ctx">Who writes, and the configuration in force.</param>
    public static void Apply(ResourceKind kind, JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        if (kind.Shape is { } shape)
        {
            CustomObjects.Complete(shape.Schema, tree); // a status too has defaults
            return;
        }
        if (ctx.Subresource.Length > 0 && !PodDoors.IsSpec(ctx.Subresource))
        {
            return;
        }
        if (kind.IsCustom)
        {
            Knative(kind, tree, old, ctx);
        }
        else
        {
            Kubernetes(kind, tree, old);
        }
    }

    private static void Knative(ResourceKind kind, JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        if (kind == Kinds.KService)
        {
            ServingDefaults.Service(tree, old, ctx);
        }
        else if (kind == Kinds.Configuration)
        {
            ServingDefaults.Configuration(tree, old, ctx);
        }
        else if (kind == Kinds.Revision)
        {
            ServingDefaults.Revision(tree, ctx);
        }
        else if (kind == Kinds.Route)
        {
            ServingDefaults.Route(tree, old, ctx);
        }
        else if (kind == Kinds.DomainMapping)
        {
            ServingDefaults.DomainMapping(tree, old, ctx);
        }
        else if (kind == Kinds.PodAutoscaler)
        {
            InternalDefaults.PodAutoscaler(tree, ctx);
        }
        else if (kind == Kinds.KIngress)
        {
            InternalDefaults.Ingress(tree);
        }
    }

    private static void Kubernetes(ResourceKind kind, JsonObject tree, JsonObject? old)
    {
        if (kind == Kinds.Pod)
        {
            PodDefaults.Pod(tree);
            if (old is null)
            {
                PodLabelKeys.Apply(tree);
            }
        }
        else if (kind == Kinds.Deployment)
        {
            CoreDefaults.Deployment(tree);
        }
        else if (kind == Kinds.ReplicaSet)
        {
            CoreDefaults.ReplicaSet(tree);
        }
        else if (kind == Kinds.Service)
        {
            CoreDefaults.Service(tree);
        }
        else if (kind == Kinds.Secret)
        {
            CoreDefaults.Secret(tree);
        }
        else if (kind == Kinds.Namespace)
        {
            CoreDefaults.Namespace(tree, old is null);
        }
        else if (kind == Kinds.HorizontalPodAutoscaler)
        {
            HpaRules.Default(tree);
        }
        else if (kind == Kinds.Endpoints)
        {
            CoreDefaults.Endpoints(tree);
        }
        else if (kind == Kinds.EndpointSlice)
        {
            CoreDefaults.EndpointSlice(tree);
        }
        else if (kind == Kinds.CustomResourceDefinition)
        {
            CrdDefaults.Apply(tree);
        }
        else if (RbacRules.Concerns(kind))
        {
            RbacRules.Default(kind, tree);
        }
        else if (kind == StoredKinds.PriorityClass)
        {
            PriorityRules.Default(tree);
        }
        else if (kind == Kinds.Lease)
        {
            CoreDefaults.Lease(tree, old);
        }
        else if (kind == BatchKinds.Job)
        {
            JobRules.Default(tree, old);
        }
        else
        {
            StoredDefaults.Apply(kind, tree);
        }
    }
}
