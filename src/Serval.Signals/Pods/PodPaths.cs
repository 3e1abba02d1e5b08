using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>What of a pod is asked for, as a path: <c>/pods/NAMESPACE/NAME/WHAT?…</c>.</summary>
internal static class PodPaths
{
    public const string Root = "/pods/";
    public const string Log = "log";
    public const string Exec = "exec";
    public const string Attach = "attach";
    public const string Port = "port";

    public static string Of(ObjectKey pod, string what) => $"{Root}{Uri.EscapeDataString(pod.Namespace)}/{Uri.EscapeDataString(pod.Name)}/{what}";

    public static string Of(ObjectKey pod, LogOptions options) => Of(pod, Log) + Query(
        ("container", options.Container), ("follow", Flag(options.Follow)), ("previous", Flag(options.Previous)), ("timestamps", Flag(options.Timestamps)),
        ("tailLines", Number(options.TailLines)), ("sinceSeconds", Number(options.SinceSeconds)),
        ("sinceTime", options.SinceTime?.ToString("O", CultureInfo.InvariantCulture) ?? ""), ("limitBytes", Number(options.LimitBytes)));

    public static string Of(ObjectKey pod, string what, ExecOptions options) => Of(pod, what) + Query(
    [
        ("container", options.Container), ("stdin", Flag(options.Stdin)), ("stdout", Flag(options.Stdout)), ("stderr", Flag(options.Stderr)), ("tty", Flag(options.Tty)),
        .. options.Command.Select(c => ("command", "=" + c)), // an argument may be empty
    ]);

    public static string Of(ObjectKey pod, string uid, int port) => Of(pod, Port) + Query(("uid", uid), ("port", Number(port)));

    /// <summary>The pod and what is asked for; null for another path.</summary>
    public static (ObjectKey Pod, string What)? Read(string path) =>
        path[Root.Length..].Split('/') is [{ Length: > 0 } ns, { Length: > 0 } name, { Length: > 0 } what] ? (new ObjectKey(ns, name), what) : null;

    public static LogOptions Logs(IQueryCollection query) => new()
    {
        Container = Text(query["container"]), Follow = IsSet(query["follow"]), Previous = IsSet(query["previous"]), Timestamps = IsSet(query["timestamps"]),
        TailLines = Number(query, "tailLines"), SinceSeconds = Number(query, "sinceSeconds"), LimitBytes = Number(query, "limitBytes"),
        SinceTime = Text(query["sinceTime"]) is not { Length: > 0 } text ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
            : throw ApiException.BadRequest($"sinceTime: \"{text}\" is no time"),
    };

    public static ExecOptions Program(IQueryCollection query) => new()
    {
        Container = Text(query["container"]), Stdin = IsSet(query["stdin"]), Stdout = IsSet(query["stdout"]), Stderr = IsSet(query["stderr"]), Tty = IsSet(query["tty"]),
        Command = [.. query["command"].Select(c => c?.Length > 0 ? c[1..] : "")],
    };

    public static (string Uid, int Port) Dial(IQueryCollection query) => (Text(query["uid"]), (int)(Number(query, "port") ?? 0));

    private static string Query(params ReadOnlySpan<(string Name, string Value)> parameters)
    {
        var query = new StringBuilder();
        foreach (var (name, value) in parameters)
        {
            if (value.Length > 0)
            {
                query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
            }
        }
        return query.ToString();
    }

    private static string Flag(bool set) => set ? "true" : "";

    private static string Number(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Text(StringValues values) => values.Count > 0 ? values[0] ?? "" : "";

    private static bool IsSet(StringValues values) => Text(values) == "true";

    private static long? Number(IQueryCollection query, string name) =>
        Text(query[name]) is not { Length: > 0 } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : throw ApiException.BadRequest($"{name}: \"{text}\" is no number");
}
