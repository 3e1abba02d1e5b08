using Microsoft.AspNetCore.Http;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.ApiServer.Http;

namespace Serval.ApiServer.Access;

/// <summary>
/// <c>kubectl --as</c>: who may <c>impersonate</c> a user, its groups, its uid and its extra fields is that user from here on
/// (apiserver: endpoints/filters/impersonation).
/// </summary>
internal sealed class Impersonation(RbacAuthorizer access, RequestStep next)
{
    private const string ExtraPrefix = "Impersonate-Extra-";

    public Task RunAsync(ApiRequest request)
    {
        var headers = request.Http.Request.Headers;
        var name = headers["Impersonate-User"].ToString();
        var groups = headers["Impersonate-Group"].Select(g => g ?? "").ToList();
        var uid = headers["Impersonate-Uid"].ToString();
        var extra = Extra(headers);
        if (name.Length == 0)
        {
            return groups.Count == 0 && uid.Length == 0 && extra.Count == 0
                ? next(request)
                : throw ApiException.BadRequest("requested impersonation of groups, a uid or extra fields without impersonating a user");
        }
        var account = UserInfo.AccountOf(name);
        Require(request, account is { } its ? Wanted("", "serviceaccounts", its.Name, its.Namespace) : Wanted("", "users", name));
        groups.ForEach(g => Require(request, Wanted("", "groups", g)));
        if (uid.Length > 0)
        {
            Require(request, Wanted("authentication.k8s.io", "uids", uid));
        }
        foreach (var (key, values) in extra)
        {
            values.ForEach(v => Require(request, Wanted("authentication.k8s.io", "userextras", v) with { Subresource = key }));
        }
        request.Impersonator = request.User;
        request.User = new UserInfo(name, Groups(name, groups, account))
        {
            Uid = uid, Extra = extra.ToDictionary(e => e.Key, e => (IReadOnlyList<string>)e.Value, StringComparer.Ordinal),
        };
        return next(request);
    }

    private void Require(ApiRequest request, in RequestInfo wanted) => access.Require(request.User, wanted);

    private static RequestInfo Wanted(string group, string resource, string name, string ns = "") =>
        new(true, "", "impersonate", group, group.Length > 0 ? "v1" : "", resource, "", ns, name);

    private static List<string> Groups(string name, List<string> given, ObjectKey? account)
    {
        if (given.Count == 0 && account is { } known)
        {
            given = UserInfo.GroupsOf(known.Namespace);
        }
        var implied = name == UserInfo.Anonymous.Name ? UserInfo.Anonymous.Groups[0] : UserInfo.Authenticated;
        return given.Contains(implied) ? given : [.. given, implied];
    }

    private static Dictionary<string, List<string>> Extra(IHeaderDictionary headers) => headers
        .Where(h => h.Key.StartsWith(ExtraPrefix, StringComparison.OrdinalIgnoreCase))
        .GroupBy(h => Uri.UnescapeDataString(h.Key[ExtraPrefix.Length..].ToLowerInvariant()), StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.SelectMany(h => h.Value.Select(v => v ?? "")).ToList(), StringComparer.Ordinal);
}
