using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>POST, PUT, PATCH and DELETE.</summary>
internal sealed class WriteHandler(IKubeClient client, Reply reply)
{
    public const string ApplyType = "application/apply-patch+yaml";

    public async Task CreateAsync(ApiRequest request, ResourcePath path)
    {
        var obj = await BodyReader.ReadObjectAsync(request, path);
        var stored = await client.CreateAsync(path.Kind, obj, QueryOptions.Write(request), request.Aborted);
        await reply.ObjectAsync(request, path.Kind, stored, 201);
    }

    public async Task UpdateAsync(ApiRequest request, ResourcePath path)
    {
        var obj = await BodyReader.ReadObjectAsync(request, path);
        var options = QueryOptions.Write(request, path.Subresource);
        try
        {
            await reply.ObjectAsync(request, path.Kind, await client.UpdateAsync(path.Kind, obj, options, request.Aborted));
        }
        catch (ApiException e) when (e.IsNotFound && path.Subresource.Length == 0 && IsCreatedByUpdate(path.Kind))
        {
            await reply.ObjectAsync(request, path.Kind, await client.CreateAsync(path.Kind, obj, options, request.Aborted), 201);
        }
    }

    public async Task PatchAsync(ApiRequest request, ResourcePath path)
    {
        var type = ReadPatchType(request, path.Kind);
        var body = await BodyReader.ReadAsync(request);
        var created = false;
        var options = QueryOptions.Write(request, path.Subresource) with { Created = () => created = true };
        var patch = new KubePatch(type, type == PatchType.Apply ? YamlBody.ToPatch(request, body) : body);
        var stored = await client.PatchAsync(path.Kind, path.Key, patch, options, request.Aborted);
        await (path.Subresource == "scale" ? reply.ScaleAsync(request, stored) : reply.ObjectAsync(request, path.Kind, stored, created ? 201 : 200));
    }

    public async Task UpdateScaleAsync(ApiRequest request, ResourcePath path)
    {
        var scale = await BodyReader.ReadAsync(request, path, "autoscaling/v1", "Scale");
        var stored = await client.UpdateAsync(path.Kind, scale, QueryOptions.Write(request, "scale"), request.Aborted);
        await reply.ScaleAsync(request, stored);
    }

    public async Task DeleteAsync(ApiRequest request, ResourcePath path)
    {
        var (options, oldCascade) = await QueryOptions.DeleteAsync(request);
        WarnOfOrphans(request, path.Kind, options);
        var last = await client.DeleteAsync(path.Kind, path.Key, options, request.Aborted);
        if (StillThere(path.Kind, last, options))
        {
            await reply.ObjectAsync(request, path.Kind, last, oldCascade ? 202 : 200);
            return;
        }
        await (path.Kind.ReturnsDeleted ? reply.ObjectAsync(request, path.Kind, last) : Reply.JsonAsync(request, 200, StatusDocument.Deleted(path.Kind, last)));
    }

    public async Task DeleteCollectionAsync(ApiRequest request, ResourcePath path)
    {
        var list = QueryOptions.List(request, path.Kind);
        var (options, _) = await QueryOptions.DeleteAsync(request);
        WarnOfOrphans(request, path.Kind, options);
        var gone = await client.DeleteCollectionAsync(path.Kind, path.Namespace, list, options, request.Aborted);
        await reply.ListAsync(request, path.Kind, gone);
    }

    /// <summary>Kinds that come to be when an absent one is replaced (each kind's strategy: AllowCreateOnUpdate); old leader electors count on it.</summary>
    private static bool IsCreatedByUpdate(ResourceKind kind) =>
        kind == Kinds.Lease || kind == Kinds.Endpoints || kind == Kinds.Event || kind == Kinds.Service || kind.Group == "rbac.authorization.k8s.io";

    private static void WarnOfOrphans(ApiRequest request, ResourceKind kind, DeleteOptions options)
    {
        if (kind == BatchKinds.Job && options.PropagationPolicy.Length == 0)
        {
            request.Warn("child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning");
        }
    }

    // Marked, but held by finalizers or by the time it has to stop.
    private static bool StillThere(ResourceKind kind, KubeObject last, DeleteOptions options) =>
        last.Metadata.IsDeleting
        && (last.Metadata.Finalizers.Count > 0
            || (last.Metadata.DeletionGracePeriodSeconds > 0 && options.GracePeriodSeconds != 0)
            || kind == Kinds.Namespace); // upstream answers with it, also when it goes

    private static PatchType ReadPatchType(ApiRequest request, ResourceKind kind)
    {
        return MediaClause.Parse(request.Http.Request.ContentType ?? "").Type switch
        {
            "application/json-patch+json" => PatchType.Json,
            "application/merge-patch+json" => PatchType.Merge,
            "application/strategic-merge-patch+json" => PatchType.StrategicMerge,
            ApplyType => PatchType.Apply,
            _ => throw (kind.IsCustom ? Failures.NoCustomPatch() : Failures.NoPatch()),
        };
    }
}
