using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>Paths that mean something else upstream than the words that the web server makes of them.</summary>
internal static class AskedPaths
{
    private const string EveryNamespace = "/namespaces//";

    /// <summary>
    /// The path without an empty namespace: clients that leave the name out of <c>/api/v1/namespaces/NAME/pods</c> list those of all (apiserver:
    /// endpoints/request/requestinfo.go). Only a collection is asked so, and only of what can be read.
    /// </summary>
    public static string WithoutEmptyNamespace(string method, string path)
    {
        var at = path.IndexOf(EveryNamespace, StringComparison.Ordinal);
        return at > 0 && method == "GET" && path[..at].Split('/') is ["", "api", _] or ["", "apis", _, _] && path.AsSpan(at + EveryNamespace.Length) is { Length: > 0 } rest && !rest.Contains('/')
            ? path.Remove(at, EveryNamespace.Length - 1)
            : path;
    }

    /// <summary>
    /// Refuses a path with a step <c>.</c> or <c>..</c>, which the web server has walked already: who asks for an object of that name must not be
    /// answered by, or change, what is above it. Paths below <c>proxy</c> are another program's.
    /// </summary>
    public static void RefuseDots(HttpContext http)
    {
        var target = http.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var path = target.AsSpan(0, target.AsSpan().IndexOfAny('?', '#') is >= 0 and var end ? end : target.Length);
        var (index, proxy) = (0, 5); // /api/v1/nodes/NAME/proxy; elsewhere it is a name
        foreach (var part in path.Split('/'))
        {
            var step = path[part];
            if (index == 3 && step is "namespaces")
            {
                proxy = 7; // /api/v1/namespaces/NS/pods/NAME/proxy
            }
            if (index++ == proxy && step is "proxy")
            {
                return;
            }
            if (!IsDots(step))
            {
                continue;
            }
            var name = Uri.UnescapeDataString(step.ToString());
            throw part.End.Value == path.Length ? ApiException.BadRequest($"Name parameter invalid: \"{name}\": may not be '{name}'") : Failures.UnknownPath();
        }
    }

    private static bool IsDots(ReadOnlySpan<char> step) =>
        step.Length is > 0 and <= 6 && (step[0] is '.' or '%') && Uri.UnescapeDataString(step.ToString()) is "." or "..";
}
