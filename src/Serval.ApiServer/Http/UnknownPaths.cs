using Microsoft.AspNetCore.Http;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>
/// What nothing is at: a Status below the API groups that every server has, and a page of text elsewhere, also below the groups of definitions (upstream:
/// go-restful's container answers for its own web services, server/mux for the rest).
/// </summary>
internal static class UnknownPaths
{
    /// <exception cref="ApiException">404, below a group of the server's own.</exception>
    public static Task AnswerAsync(HttpContext http, string path, IReadOnlyList<ResourceKind> kinds) =>
        IsBelowGroup(path, kinds) ? throw Failures.UnknownPath() : PageAsync(http);

    /// <summary>The page for paths that belong to no group.</summary>
    public static Task PageAsync(HttpContext http)
    {
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Reply.TextAsync(http, StatusCodes.Status404NotFound, "404 page not found\n");
    }

    private static bool IsBelowGroup(string path, IReadOnlyList<ResourceKind> kinds) => path.Split('/') switch
    {
        ["", "api", _, ..] => true,
        ["", "apis", { Length: > 0 } group, _, ..] => kinds.Concat(AccessKinds.Reviews).Any(k => k.Group == group && !k.IsCustom),
        _ => false,
    };
}
