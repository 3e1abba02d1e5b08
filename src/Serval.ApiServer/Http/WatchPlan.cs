using Serval.Api;
using Serval.ApiServer.Selectors;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>What the query of a watch asks for.</summary>
/// <param name="Options">For the client.</param>
/// <param name="MarkInitialEnd">The first bookmark says that the initial events are through.</param>
internal sealed record WatchPlan(WatchOptions Options, bool MarkInitialEnd)
{
    public static WatchPlan Read(ApiRequest request, ResourcePath path)
    {
        var present = ListRules.BeginsWithPresent(request);
        var version = request.Query("resourceVersion");
        var options = new WatchOptions
        {
            LabelSelector = request.Query("labelSelector"),
            FieldSelector = Fields(request, path),
            ResourceVersion = present ? "" : version, // what is present now is not older than any version that was given out
            SkipPresent = !present,
            AllowBookmarks = request.Flag("allowWatchBookmarks"),
        };
        return new WatchPlan(options, MarkInitialEnd: present && options.AllowBookmarks);
    }

    /// <summary>A watch of one object is a watch of its name (apiserver: handlers/get.go).</summary>
    private static string Fields(ApiRequest request, ResourcePath path)
    {
        var asked = request.Query("fieldSelector");
        var query = FieldLabels.Check(path.Kind, asked);
        if (path.IsCollection)
        {
            return asked;
        }
        return query.IsEverything ? $"metadata.name={path.Name}"
            : query.Name == path.Name ? asked
            : throw ApiException.BadRequest("fieldSelector metadata.name doesn't match requested name");
    }
}
