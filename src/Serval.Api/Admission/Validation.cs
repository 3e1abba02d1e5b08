using System.Text.Json.Nodes;
using Serval.Api.Crds;

namespace Serval.Api.Admission;

/// <summary>Says what is wrong with an object after defaulting, as the Kubernetes API server and Knative's webhooks say it.</summary>
public static class Validation
{
    /// <param name="kind">The object's kind.</param>
    /// <param name="tree">The whole new object, defaulted.</param>
    /// <param name="old">The stored object on an update.</param>
    /// <param name="ctx">Who writes, and the configuration in force.</param>
    /// <returns>Every error; empty when the object may be stored.</returns>
    public static IReadOnlyList<FieldError> Validate(ResourceKind kind, JsonObject tree, JsonObject? old, AdmissionContext ctx)
    {
        var api = new Problems();
        MetadataRules.Check(kind, tree, old, api);
        if (kind.IsCustom && ctx.Subresource.Length == 0)
        {
            MetadataRules.WarnOfFinalizers(tree, old, ctx.Warn);
        }
        if (kind.Shape is { } shape)
        {
            List<FieldError> errors = [.. api.List, .. CustomObjects.Validate(shape.Schema, tree, old, shape.Scale, ctx.Subresource)];
            if (shape.Schema.HasRules && errors.Any(CelRules.IsBlocking))
            {
                errors.Add(CelRules.Unchecked);
            }
            return errors;
        }
        // A status is its controller's; an object on its way out must be able to lose its finalizers whatever the rules are today.
        if ((ctx.Subresource.Length > 0 && !PodDoors.IsSpec(ctx.Subresource)) || tree.Object("metadata").Has("deletionTimestamp"))
        {
            if (kind == Kinds.Namespace)
            {
                NamespaceRules.Check(tree, old, ctx.Subresource, api); // also on its way out: this is the way
            }
            if (ctx.Subresource == "status" && ctx.User.Length > 0)
            {
                StatusRules.Check(kind, tree, old, api);
            }
            return api.List;
        }
        if (kind.IsCustom)
        {
            if (kind == Kinds.ClusterDomainClaim)
            {
                DomainRules.Claim(tree, api);
            }
            var webhook = new Problems(Problems.ServingWebhook);
            var dryRun = ctx.DryRun && TemplateDryRun.Concerns(kind, tree);
            Knative(kind, tree, old, ctx with { PodComesLater = dryRun }, webhook);
            if (api.List.Count + webhook.List.Count == 0 && ctx.User.Length > 0)
            {
                SecurityWarnings.Tell(kind, tree, ctx); // our own roles hear nothing
            }
            return api.List.Count + webhook.List.Count == 0 && dryRun ? TemplateDryRun.Check(tree) : [.. api.List, .. webhook.List];
        }
        Kubernetes(kind, tree, old, ctx, api);
        if (kind == Kinds.Deployment || kind == Kinds.ReplicaSet || kind == BatchKinds.Job)
        {
            WorkloadRules.WarnOfName(tree, old, ctx);
        }
        if (kind == Kinds.ResourceQuota)
        {
            QuotaRules.Warn(tree, ctx);
        }
        else if (kind == Kinds.HorizontalPodAutoscaler)
        {
            HpaRules.Warn(tree, ctx);
        }
        else if (kind == Kinds.Service && api.List.Count == 0)
        {
            ServiceTrafficRules.Warn(tree.Object("spec"), ctx.Warn); // upstream warns of what it takes (registry/rest: create.go)
        }
        else if (kind == Kinds.EndpointSlice && api.List.Count == 0 && tree.String("addressType") == "FQDN")
        {
            ctx.Warn("spec.addressType: FQDN endpoints are deprecated"); // the path is upstream's (registry/discovery/endpointslice: strategy.go)
        }
        else if (kind == StoredKinds.ApiService && api.List.Count == 0)
        {
            ApiServiceRules.Warn(tree, ctx.Warn);
        }
        else if (kind.Inert.Length > 0)
        {
            ctx.Warn(kind.Inert);
        }
        return kind == Kinds.ConfigMap ? [.. api.List, .. ConfigMapRules.Settings(tree, ctx)] : api.List;
    }

    /// <summary>
    /// The refusal a client gets: 422 Invalid for the API server's rules, else 400 in the words of the webhook that refuses upstream.
    /// </summary>
    public static ApiException ToException(ResourceKind kind, string name, IReadOnlyList<FieldError> errors)
    {
        var own = errors.Where(e => e.Webhook is null).ToList();
        if (own.Count > 0)
        {
            return ApiException.Invalid(kind, name, [.. own.Select(e => e.ToCause())]);
        }
        var message = $"admission webhook \"{errors[0].Webhook}\" denied the request: validation {(errors[0].Callback ? "callback " : "")}failed: {Describe(errors)}";
        return new ApiException(400, "BadRequest", message, [.. errors.Select(e => e.ToCause())]);
    }

    /// <summary>One line a message, its paths joined: <c>missing field(s): a, b</c>; details follow on lines of their own.</summary>
    public static string Describe(IReadOnlyList<FieldError> errors) => string.Join('\n', errors
        .GroupBy(e => (e.Message, e.Details))
        .OrderBy(g => g.Key.Message, StringComparer.Ordinal).ThenBy(g => g.Key.Details, StringComparer.Ordinal)
        .Select(g => $"{g.Key.Message}: {string.Join(", ", g.Select(e => e.Field).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))}"
            + (g.Key.Details.Length == 0 ? "" : "\n" + g.Key.Details)));

    private static void Knative(ResourceKind kind, JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        if (kind == Kinds.KService)
        {
            ServingRules.Service(tree, old, ctx, to);
        }
        else if (kind == Kinds.Configuration)
        {
            ServingRules.Configuration(tree, old, ctx, to);
        }
        else if (kind == Kinds.Revision)
        {
            ServingRules.Revision(tree, old, ctx, to);
        }
        else if (kind == Kinds.Route)
        {
            ServingRules.Route(tree, old, ctx, to);
        }
        else if (kind == Kinds.DomainMapping)
        {
            DomainRules.Mapping(tree, old, ctx, to);
        }
        else if (kind == Kinds.PodAutoscaler)
        {
            InternalRules.PodAutoscaler(tree, ctx, to);
        }
        else if (kind == Kinds.KIngress)
        {
            InternalRules.Ingress(tree, to);
        }
        else if (kind == Kinds.ServerlessService)
        {
            InternalRules.ServerlessService(tree, to);
        }
        else if (kind == Kinds.Certificate)
        {
            InternalRules.Certificate(tree, to);
        }
    }

    private static void Kubernetes(ResourceKind kind, JsonObject tree, JsonObject? old, AdmissionContext ctx, Problems to)
    {
        if (kind == Kinds.Pod)
        {
            PodRules.Pod(tree, old, to, ctx.Subresource, ofTemplate: ctx.User.Length == 0 && tree.Object("metadata").Objects("ownerReferences").Any(o => o.Item.Bool("controller") == true));
        }
        else if (kind == Kinds.Deployment)
        {
            WorkloadRules.Deployment(tree, old, to);
        }
        else if (kind == Kinds.ReplicaSet)
        {
            WorkloadRules.ReplicaSet(tree, old, to);
        }
        else if (kind == Kinds.Namespace)
        {
            NamespaceRules.Check(tree, old, ctx.Subresource, to);
        }
        else if (kind == Kinds.Service)
        {
            ServiceRules.Service(tree, old, to);
        }
        else if (kind == Kinds.ServiceCidr)
        {
            ServiceRules.Cidr(tree, old, to);
        }
        else if (kind == Kinds.ConfigMap)
        {
            ConfigMapRules.ConfigMap(tree, old, to);
        }
        else if (kind == Kinds.Secret)
        {
            ConfigMapRules.Secret(tree, old, to);
        }
        else if (kind == Kinds.ResourceQuota)
        {
            QuotaRules.ResourceQuota(tree, old, to);
        }
        else if (kind == Kinds.HorizontalPodAutoscaler)
        {
            HpaRules.Check(tree, old, to);
        }
        else if (kind == Kinds.EndpointSlice)
        {
            EndpointRules.Slice(tree, old, to, ownRole: ctx.User.Length == 0);
        }
        else if (kind == Kinds.Endpoints)
        {
            EndpointRules.Endpoints(tree, old, to, ownRole: ctx.User.Length == 0);
        }
        else if (kind == Kinds.Lease)
        {
            ServiceRules.Lease(tree, to);
        }
        else if (kind == Kinds.CustomResourceDefinition)
        {
            CrdRules.Check(tree, old, to);
            if (to.List.Count == 0)
            {
                CrdWarnings.Tell(tree, old, ctx.Warn);
            }
        }
        else if (RbacRules.Concerns(kind))
        {
            RbacRules.Check(kind, tree, old, to);
        }
        else if (kind == Kinds.Event)
        {
            if (ctx.User.Length > 0)
            {
                EventRules.Check(tree, old, ctx, to);
            }
        }
        else if (kind == BatchKinds.Job)
        {
            JobRules.Check(tree, old, to);
            JobRules.Warn(tree, ctx);
        }
        else if (kind == StoredKinds.PriorityClass)
        {
            PriorityRules.Check(tree, old, to);
        }
        else if (kind == PolicyKinds.PodDisruptionBudget)
        {
            DisruptionRules.Check(tree, to);
        }
        else
        {
            StoredRules.Check(kind, tree, old, to);
        }
    }
}
