using System.Globalization;
using Serval.Api;
using Serval.ApiServer.Pipeline;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>GET of objects, their status and scale, and lists.</summary>
internal sealed class ReadHandler(IKubeClient client, Reply reply)
{
    public async Task GetAsync(ApiRequest request, ResourcePath path)
    {
        if (request.Has("export") && request.Flag("export"))
        {
            throw ApiException.BadRequest("the export parameter, deprecated since v1.14, is no longer supported");
        }
        var obj = await client.GetAsync(path.Kind, path.Key, request.Aborted);
        await reply.ObjectAsync(request, path.Kind, obj);
    }

    public async Task GetScaleAsync(ApiRequest request, ResourcePath path)
    {
        var obj = await client.GetAsync(path.Kind, path.Key, request.Aborted);
        await reply.ScaleAsync(request, KubeObject.From(ScaleView.Of(path.Kind, obj)));
    }

    public async Task ListAsync(ApiRequest request, ResourcePath path)
    {
        var list = await client.ListAsync(path.Kind, path.Namespace, QueryOptions.List(request, path.Kind), request.Aborted);
        CheckVersion(request, list.ResourceVersion);
        await reply.ListAsync(request, path.Kind, list);
    }

    // Lists are always of the newest state, which satisfies every wish but an exact older version.
    private static void CheckVersion(ApiRequest request, long current)
    {
        var wanted = request.Query("resourceVersion");
        if (wanted.Length == 0)
        {
            return;
        }
        if (!long.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            throw Failures.NoVersion(wanted);
        }
        if (version > current)
        {
            throw Failures.VersionAhead(wanted, current);
        }
        if (request.Query("resourceVersionMatch") == "Exact" && version != current)
        {
            throw ApiException.Expired($"version {version} is no longer kept as a whole (now at {current}); list without resourceVersionMatch=Exact");
        }
    }
}
