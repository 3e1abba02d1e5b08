namespace Serval.ApiServer.Http;

/// <summary>The paths of watches before there was the option: <c>/api/v1/watch/namespaces/NS/pods/NAME</c> (apiserver: pkg/endpoints/request/requestinfo.go).</summary>
internal static class OldWatchPath
{
    private const string Segment = "/watch/";

    /// <summary>The path without <c>watch</c>, and whether it was there.</summary>
    public static (string Path, bool Was) Parse(string path)
    {
        var at = path.IndexOf(Segment, StringComparison.Ordinal);
        var isBelowVersion = at > 0 && path[..at].Split('/') is ["", "api", _] or ["", "apis", _, _];
        return isBelowVersion && at + Segment.Length < path.Length ? (path.Remove(at, Segment.Length - 1), true) : (path, false);
    }
}
