using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>What the query of a watch asks for.</summary>
/// <param name="Options">For the client.</param>
/// <param name="MarkInitialEnd">The first bookmark says that the initial events are through.</param>
internal sealed record WatchPlan(WatchOptions Options, bool MarkInitialEnd)
{
    public static WatchPlan Read(ApiRequest request, ResourcePath path)
    {
        var options = new WatchOptions
        {
            LabelSelector = request.Query("labelSelector"),
            FieldSelector = Fields(request, path),
            ResourceVersion = request.Query("resourceVersion"),
            AllowBookmarks = request.Flag("allowWatchBookmarks"),
        };
        var initial = request.Query("sendInitialEvents");
        if (initial.Length == 0)
        {
            return new WatchPlan(options, MarkInitialEnd: false);
        }
        if (request.Query("resourceVersionMatch") != "NotOlderThan")
        {
            throw Failures.InvalidOption("sendInitialEvents", initial, "only with resourceVersionMatch=NotOlderThan");
        }
        return request.Flag("sendInitialEvents")
            ? new WatchPlan(options with { ResourceVersion = "" }, MarkInitialEnd: options.AllowBookmarks)
            : new WatchPlan(options with { SkipPresent = true }, MarkInitialEnd: false);
    }

    private static string Fields(ApiRequest request, ResourcePath path)
    {
        var asked = request.Query("fieldSelector");
        return path.IsCollection ? asked : string.Join(',', new[] { asked, $"metadata.name={path.Name}" }.Where(s => s.Length > 0));
    }
}
