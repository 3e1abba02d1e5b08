using System.Text;
using Microsoft.AspNetCore.Http;

namespace Serval.ApiServer.Http;

/// <summary>
/// <c>/healthz</c>, <c>/livez</c> and <c>/readyz</c>, each check below them by its name, with <c>verbose</c> and <c>exclude</c> (apiserver:
/// server/healthz/healthz.go).
/// </summary>
internal sealed class HealthHandler(Func<bool> storeTakesWrites)
{
    private readonly HealthCheck[] _checks = [new("ping", () => true), new("store", storeTakesWrites, OfReadiness: true)];

    /// <summary>Whether the path is one of them, known or not.</summary>
    public static bool Owns(string path) => path.Split('/') is ["", "healthz" or "livez" or "readyz"] or ["", "healthz" or "livez" or "readyz", _];

    public Task GetAsync(HttpContext http)
    {
        var parts = (http.Request.Path.Value ?? "").Split('/');
        var asked = _checks.Where(c => !c.OfReadiness || parts[1] == "readyz").ToList();
        if (parts.Length < 3)
        {
            http.Response.Headers.XContentTypeOptions = "nosniff";
            return AllAsync(http, parts[1], asked);
        }
        return asked.Find(c => c.Name == parts[2]) is not { } one ? UnknownPaths.PageAsync(http)
            : one.IsWell() ? Reply.TextAsync(http, 200, "ok") : Reply.TextAsync(http, 500, "internal server error: reason withheld\n");
    }

    private static Task AllAsync(HttpContext http, string name, List<HealthCheck> asked)
    {
        var excluded = http.Request.Query["exclude"].Select(e => e ?? "").ToHashSet(StringComparer.Ordinal);
        var lines = new StringBuilder();
        var failed = false;
        foreach (var check in asked)
        {
            var skipped = excluded.Remove(check.Name);
            var well = skipped || check.IsWell();
            failed |= !well;
            lines.Append(skipped ? $"[+]{check.Name} excluded: ok\n" : well ? $"[+]{check.Name} ok\n" : $"[-]{check.Name} failed: reason withheld\n");
        }
        if (excluded.Count > 0)
        {
            lines.Append($"warn: some health checks cannot be excluded: no matches for {string.Join(", ", excluded.Order(StringComparer.Ordinal).Select(OptionProblems.Quote))}\n");
        }
        return failed ? Reply.TextAsync(http, 500, $"{lines}{name} check failed\n")
            : Reply.TextAsync(http, 200, http.Request.Query.ContainsKey("verbose") ? $"{lines}{name} check passed\n" : "ok");
    }
}
