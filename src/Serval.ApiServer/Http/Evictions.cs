using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Policy;
using Serval.Api.Schema;
using Serval.ApiServer.Pipeline;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>
/// POST of <c>pods/NAME/eviction</c>: deletes the pod if its PodDisruptionBudget lets it go (kubernetes pkg/registry/core/pod/storage/eviction.go).
/// </summary>
internal sealed class Evictions(IKubeClient client, TimeProvider time)
{
    /// <summary>How often one that lost a race is tried.</summary>
    private const int MostTries = 20;

    /// <summary>Most pods that a budget has let go and its controller has not yet seen going.</summary>
    private const int MostLeaving = 2000;

    private static readonly Lazy<TypeSchema> s_type = new(() => Schemas.Find(PolicyKinds.EvictionVersion, PolicyKinds.Eviction)!);

    public async Task AnswerAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Method != "POST")
        {
            throw Failures.MethodNotAllowed();
        }
        if (request.Shape(single: true).Form != ReplyForm.Object)
        {
            throw Failures.NotAcceptable();
        }
        var write = QueryOptions.Write(request);
        var body = await BodyReader.ReadAsync(request, path with { Name = "" }, PolicyKinds.EvictionVersion, PolicyKinds.Eviction);
        var decoded = StrictDecoder.Decode(s_type.Value, body.Json);
        if (decoded.Failure(write.FieldValidation == FieldValidation.Strict) is { } failure)
        {
            throw failure;
        }
        if (write.FieldValidation == FieldValidation.Warn)
        {
            decoded.Warnings.ToList().ForEach(request.Warn);
        }
        if (body.Metadata.Name != path.Name)
        {
            throw ApiException.BadRequest("name in URL does not match name in Eviction object");
        }
        var options = QueryOptions.Delete(decoded.Tree["deleteOptions"] as JsonObject ?? []);
        await EvictAsync(path.Key, options with { DryRun = options.DryRun || write.DryRun }, request.Aborted);
        await Reply.JsonAsync(request, 201, StatusDocument.Done());
    }

    private async Task EvictAsync(ObjectKey key, DeleteOptions options, CancellationToken ct)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            var pod = await client.GetAsync(Kinds.Pod, key, ct);
            Admission.RequireUid(Kinds.Pod, pod, options.Uid);
            if (await AllowAsync(pod, options, ct) is not { } allowed)
            {
                continue;
            }
            try
            {
                await client.DeleteAsync(Kinds.Pod, key, allowed, ct);
                return;
            }
            catch (ApiException e) when (e.IsConflict && allowed != options)
            {
                // the pod has changed since it was judged
            }
        }
        throw new ApiException(
            504, "Timeout", $"Timeout: pod \"{key.Name}\" or its disruption budget changed too often", details: new JsonObject { ["retryAfterSeconds"] = 10 });
    }

    /// <summary>How the pod is deleted, or an exception; null when its budget changed meanwhile.</summary>
    private async Task<DeleteOptions?> AllowAsync(KubeObject stored, DeleteOptions options, CancellationToken ct)
    {
        var pod = stored.As<Pod>();
        var asItIs = options.ResourceVersion.Length > 0 ? options : options with { ResourceVersion = stored.Metadata.ResourceVersion };
        if (stored.Metadata.IsDeleting || pod.Status.Phase is "Succeeded" or "Failed")
        {
            return options;
        }
        if (pod.Status.Phase == "Pending")
        {
            return asItIs; // it serves nobody, as long as it is this
        }
        var found = client.Cache(PolicyKinds.PodDisruptionBudget).List(stored.Metadata.Namespace)
            .Where(b => b.As<PodDisruptionBudget>().Spec.Selector?.Matches(stored.Metadata.Labels) == true).ToList();
        if (found.Count == 0)
        {
            return options;
        }
        if (found.Count > 1)
        {
            throw new ApiException(500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
        }
        var budget = found[0].As<PodDisruptionBudget>();
        if (!pod.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" }) && MayGoUnready(budget))
        {
            return asItIs;
        }
        return await TakeAsync(found[0], budget, stored.Metadata.Name, options.DryRun, ct) ? options : null;
    }

    private static bool MayGoUnready(PodDisruptionBudget budget) => budget.Spec.UnhealthyPodEvictionPolicy == "AlwaysAllow"
        || (budget.Status.DesiredHealthy > 0 && budget.Status.CurrentHealthy >= budget.Status.DesiredHealthy);

    /// <summary>Takes one from what the budget allows; false when it is another by now.</summary>
    private async Task<bool> TakeAsync(KubeObject stored, PodDisruptionBudget budget, string pod, bool dryRun, CancellationToken ct)
    {
        var (name, status) = (stored.Metadata.Name, budget.Status);
        if (status.ObservedGeneration < stored.Metadata.Generation)
        {
            throw Refused($"The disruption budget {name} is still being processed by the server.", retryAfterSeconds: 10);
        }
        if (status.DisruptedPods.Count > MostLeaving)
        {
            throw ApiException.Forbidden(PolicyKinds.PodDisruptionBudget, name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
        }
        if (status.DisruptionsAllowed <= 0)
        {
            throw Refused($"The disruption budget {name} needs {status.DesiredHealthy} healthy pods and has {status.CurrentHealthy} currently", retryAfterSeconds: 0);
        }
        try
        {
            var now = time.GetUtcNow();
            var taken = stored.With(tree =>
            {
                var next = tree["status"]!.AsObject();
                next["disruptionsAllowed"] = status.DisruptionsAllowed - 1;
                next["conditions"] = DisruptionConditions.Of(budget, status.DisruptionsAllowed - 1, now);
                if (next["disruptedPods"] is not JsonObject leaving)
                {
                    next["disruptedPods"] = leaving = [];
                }
                leaving[pod] = KubeTime.Text(now);
            });
            await client.UpdateAsync(PolicyKinds.PodDisruptionBudget, taken, WriteOptions.By("eviction", "status") with { DryRun = dryRun }, ct);
            return true;
        }
        catch (ApiException e) when (e.IsConflict)
        {
            return false;
        }
    }

    private static ApiException Refused(string why, int retryAfterSeconds) => new(
        429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", [new StatusCause("DisruptionBudget", why, "")],
        retryAfterSeconds > 0 ? new JsonObject { ["retryAfterSeconds"] = retryAfterSeconds } : null);
}
