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

    private static string Fields(ApiRequest request, ResourcePath path)
    {
        var asked = request.Query("fieldSelector");
        return path.IsCollection ? asked : string.Join(',', new[] { asked, $"metadata.name={path.Name}" }.Where(s => s.Length > 0));
    }
}
