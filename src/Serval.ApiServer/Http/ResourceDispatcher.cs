using Serval.Api;
using Serval.Api.Admission;
using Serval.ApiServer.Access;
using Serval.ApiServer.Pipeline;
using Serval.ApiServer.Proxying;
using Serval.ApiServer.Streams;

namespace Serval.ApiServer.Http;

/// <summary>Path and method of a request for objects → the handler that answers it.</summary>
internal sealed class ResourceDispatcher(
    IKindSource kinds, ReadHandler read, WatchHandler watch, WriteHandler write, LogHandler logs, PodStreamHandler streams, AccessReviews reviews,
    TokenRequests tokens, Evictions evictions, Bindings bindings, ProxyHandler proxy)
{
    public Task HandleAsync(ApiRequest request)
    {
        if (ResourcePath.Parse(request.Path, kinds) is not { } path)
        {
            return ReviewAsync(request);
        }
        if (path.Kind == Kinds.Endpoints)
        {
            request.Warn("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"); // core/v1: zz_generated.prerelease-lifecycle.go
        }
        else if (path.Kind.Shape is { Deprecation.Length: > 0 } deprecated)
        {
            request.Warn(deprecated.Deprecation);
        }
        if (request.IsOldWatch && (request.Method != "GET" || path.Subresource.Length > 0))
        {
            throw path.Subresource.Length > 0 ? Failures.UnknownPath() : Failures.MethodNotAllowed();
        }
        if (path.Subresource is "" or "status" or "scale" && !request.IsWatch)
        {
            _ = request.Shape(single: !path.IsCollection || request.Method == "POST"); // what cannot be answered is not begun
        }
        return path.Subresource switch
        {
            "" when path.IsCollection => Collection(request, path),
            "" => Object(request, path),
            "status" when path.Kind.HasStatus => Status(request, path),
            "scale" when path.Kind.HasScale => Scale(request, path),
            "finalize" when path.Kind == Kinds.Namespace => request.Method == "PUT" ? write.UpdateAsync(request, path) : throw Failures.MethodNotAllowed(),
            "token" when path.Kind == Kinds.ServiceAccount => tokens.AnswerAsync(request, path),
            "eviction" when path.Kind == Kinds.Pod => evictions.AnswerAsync(request, path),
            "bindings" when path.Kind == Kinds.Namespace => bindings.AnswerAsync(request, new ResourcePath(Kinds.Pod, path.Name, "", "")),
            Admission.Binding when path.Kind == Kinds.Pod => bindings.AnswerAsync(request, path),
            var door when path.Kind == Kinds.Pod && PodDoors.IsSpec(door) => Status(request, path),
            "log" when path.Kind == Kinds.Pod => Log(request, path),
            "attach" or "exec" or "portforward" when path.Kind == Kinds.Pod => streams.HandleAsync(request, path),
            "proxy" when path.Kind == Kinds.Pod || path.Kind == Kinds.Service || path.Kind == Kinds.Node => proxy.HandleAsync(request, path),
            _ => throw (path.Kind.Shape is null ? Failures.UnknownPath() : ApiException.NotFound(path.Kind, path.Name)),
        };
    }

    private async Task ReviewAsync(ApiRequest request)
    {
        if (!await reviews.AnswerAsync(request))
        {
            await UnknownPaths.AnswerAsync(request.Http, request.Path, kinds.All);
        }
    }

    private Task Collection(ApiRequest request, ResourcePath path) => request.Method switch
    {
        "GET" => request.IsWatch ? watch.WatchAsync(request, path) : read.ListAsync(request, path),
        "POST" when !path.Kind.Namespaced || path.Namespace.Length > 0 => write.CreateAsync(request, path),
        "DELETE" when path.Kind != Kinds.Namespace && (!path.Kind.Namespaced || path.Namespace.Length > 0) => write.DeleteCollectionAsync(request, path),
        _ => throw Failures.MethodNotAllowed(path, request.Method),
    };

    private Task Object(ApiRequest request, ResourcePath path) => request.Method switch
    {
        "GET" => request.IsWatch ? watch.WatchAsync(request, path) : read.GetAsync(request, path),
        "PUT" => write.UpdateAsync(request, path),
        "PATCH" => write.PatchAsync(request, path),
        "DELETE" => write.DeleteAsync(request, path),
        _ => throw Failures.MethodNotAllowed(path, request.Method),
    };

    private Task Status(ApiRequest request, ResourcePath path) => request.Method switch
    {
        "GET" => read.GetAsync(request, path),
        "PUT" => write.UpdateAsync(request, path),
        "PATCH" => write.PatchAsync(request, path),
        _ => throw Failures.MethodNotAllowed(path, request.Method),
    };

    private Task Scale(ApiRequest request, ResourcePath path) => request.Method switch
    {
        "GET" => read.GetScaleAsync(request, path),
        "PUT" => write.UpdateScaleAsync(request, path),
        "PATCH" => write.PatchAsync(request, path),
        _ => throw Failures.MethodNotAllowed(path, request.Method),
    };

    private Task Log(ApiRequest request, ResourcePath path) => request.Method == "GET" ? logs.CopyAsync(request, path) : throw Failures.MethodNotAllowed();
}
