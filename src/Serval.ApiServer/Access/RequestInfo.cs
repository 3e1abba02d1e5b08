using Serval.Api;
using Serval.ApiServer.Selectors;

namespace Serval.ApiServer.Access;

/// <summary>
/// What a request wants, in the words that access rules and the audit log use (apiserver: endpoints/request/requestinfo.go). Paths are cut as
/// <see cref="Http.ResourcePath"/> cuts them: what is judged is what is done.
/// </summary>
/// <param name="IsResource">Whether the path names objects; else only <paramref name="Verb"/> and <paramref name="Path"/> count.</param>
/// <param name="Path">The whole path.</param>
/// <param name="Verb">get, list, watch, create, update, patch, delete, deletecollection; of other paths the method in lower case, and of other methods empty.</param>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Version">The group's version.</param>
/// <param name="Resource">The plural.</param>
/// <param name="Subresource">Empty for the object itself.</param>
/// <param name="Namespace">Empty for cluster-scoped objects and for all namespaces.</param>
/// <param name="Name">Empty for collections, unless a field selector picks one object of it.</param>
internal readonly record struct RequestInfo(
    bool IsResource, string Path, string Verb, string Group = "", string Version = "", string Resource = "", string Subresource = "",
    string Namespace = "", string Name = "")
{
    /// <summary>Watches and streams: they last as long as their clients like (apiserver: server/config.go, LongRunningFunc).</summary>
    public bool IsLongRunning => IsResource && (Verb == "watch" || Subresource is "log" or "attach" or "exec" or "portforward" or "proxy");

    public bool IsReadOnly => Verb is "get" or "list" or "watch" or "head" or "options";

    /// <param name="method">GET, POST and so on.</param>
    /// <param name="path">Where to, without <c>watch/</c>.</param>
    /// <param name="watch">Whether the option is set; it means something to collections alone.</param>
    /// <param name="fieldSelector">The option's text.</param>
    /// <param name="oldWatch">Whether the path was one of a watch, which may be of one object.</param>
    public static RequestInfo Of(string method, string path, bool watch, string fieldSelector, bool oldWatch = false)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["api", var version, .. var rest] when rest.Length > 0 => Of(path, method, "", version, rest, watch, fieldSelector, oldWatch),
            ["apis", var group, var version, .. var rest] when rest.Length > 0 => Of(path, method, group, version, rest, watch, fieldSelector, oldWatch),
            _ => new RequestInfo(false, path, method.ToLowerInvariant()),
        };
    }

    private static RequestInfo Of(string path, string method, string group, string version, string[] rest, bool watch, string fieldSelector, bool oldWatch)
    {
        var ns = "";
        if (rest is ["namespaces", var inside, ..])
        {
            ns = inside;
            if (rest is [_, _, not ("status" or "finalize"), ..])
            {
                rest = rest[2..];
            }
        }
        var name = rest.Length > 1 ? rest[1] : "";
        var subresource = rest.Length > 2 ? rest[2] : "";
        var verb = Verbs(method, name.Length == 0, oldWatch || (watch && name.Length == 0), rest[0], subresource);
        if (name.Length == 0 && method is "GET" or "HEAD" or "DELETE")
        {
            name = NamePicked(fieldSelector);
        }
        return new RequestInfo(true, path, verb, group, version, rest[0], subresource, ns, name);
    }

    private static string Verbs(string method, bool collection, bool watch, string resource, string subresource) => method switch
    {
        // Doors into a pod are opened by GET where a WebSocket is wanted, and are no reads (apiserver: AuthorizePodWebsocketUpgradeCreatePermission).
        "GET" when resource == "pods" && subresource is "exec" or "attach" or "portforward" => "create",
        "GET" or "HEAD" => watch && subresource.Length == 0 ? "watch" : collection ? "list" : "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => collection ? "deletecollection" : "delete",
        _ => "", // upstream has no verb for it
    };

    /// <summary>The one name that a field selector lets through; empty when it does not say.</summary>
    private static string NamePicked(string selector)
    {
        try
        {
            return FieldQuery.Parse(selector).Name ?? "";
        }
        catch (ApiException)
        {
            return ""; // who answers the request says what is wrong with it
        }
    }
}
