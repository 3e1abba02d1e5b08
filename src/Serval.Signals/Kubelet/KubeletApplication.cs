using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Streams;

namespace Serval.Signals;

/// <summary>
/// What a kube-apiserver asks of a kubelet, answered as one does (kubernetes pkg/kubelet/server/server.go): paths, parameters, and failures as plain text.
/// </summary>
internal sealed class KubeletApplication(KubeletAccess access, IKubeClient client, IPodStreams streams, TimeProvider time, ILogger logger, CancellationToken stopping)
    : SafeApplication(logger, stopping)
{
    private readonly PodTalks _talks = new(streams, time, isKubelet: true);
    private readonly UserStreams _open = new();
    private readonly CancellationToken _stopping = stopping;

    protected override async Task AnswerAsync(HttpContext context)
    {
        var user = await access.CheckAsync(context, context.RequestAborted);
        using var place = _open.Enter(user);
        var (method, path) = (context.Request.Method, (context.Request.Path.Value ?? "").Split('/')[1..]);
        var talks = method is "GET" or "POST";
        await (path switch
        {
            ["healthz"] when method == "GET" => context.Response.WriteAsync("ok", context.RequestAborted),
            ["pods"] or ["pods", ""] when method == "GET" => ListAsync(context),
            ["containerLogs", var ns, var pod, var container] when method == "GET" => LogAsync(context, Find(ns, pod).Key, container),
            ["exec", var ns, var pod, var container] when talks => TalkAsync(context, Find(ns, pod), "", container, attaches: false),
            ["exec", var ns, var pod, var uid, var container] when talks => TalkAsync(context, Find(ns, pod), uid, container, attaches: false),
            ["attach", var ns, var pod, var container] when talks => TalkAsync(context, Find(ns, pod), "", container, attaches: true),
            ["attach", var ns, var pod, var uid, var container] when talks => TalkAsync(context, Find(ns, pod), uid, container, attaches: true),
            ["portForward", var ns, var pod] when talks => ForwardAsync(context, Find(ns, pod), ""),
            ["portForward", var ns, var pod, var uid] when talks => ForwardAsync(context, Find(ns, pod), uid),
            ["healthz" or "pods" or "containerLogs" or "exec" or "attach" or "portForward", ..] when !talks =>
                throw new ApiException(405, "MethodNotAllowed", "405: Method Not Allowed"),
            _ => throw new ApiException(404, "NotFound", "404: Page Not Found"),
        });
    }

    protected override (string Type, string Text) Word(ApiException error) => ("text/plain; charset=utf-8", error.Message);

    private KubeObject Find(string ns, string name) =>
        client.Cache(Kinds.Pod).Get(new ObjectKey(ns, name))
        ?? throw new ApiException(404, "NotFound", "pod does not exist");

    private Task ListAsync(HttpContext http)
    {
        var pods = new JsonArray([.. client.Cache(Kinds.Pod).List().Select(p => p.ToTree())]);
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(
            new JsonObject { ["kind"] = "PodList", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["items"] = pods }.ToJsonString(), http.RequestAborted);
    }

    private async Task LogAsync(HttpContext http, ObjectKey pod, string container)
    {
        var query = http.Request.Query;
        if (query["stream"].ToString() is { Length: > 0 } stream && stream != "All")
        {
            throw ApiException.BadRequest($"unable to return the given log stream: \"{stream}\". A program's outputs are one log here");
        }
        var wanted = PodPaths.Logs(query) with { Container = container };
        http.Response.ContentType = "text/plain";
        try
        {
            await streams.CopyLogsAsync(pod, wanted, http.Response.Body, http.RequestAborted); // each write is sent at once
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The node goes: what was read so far is the answer.
        }
    }

    private async Task TalkAsync(HttpContext http, KubeObject pod, string uid, string container, bool attaches)
    {
        Require(pod, uid);
        var query = http.Request.Query;
        var options = new ExecOptions
        {
            Container = container, Command = attaches ? [] : [.. query["command"].Select(c => c ?? "")], Tty = IsSet("tty"), Stdin = IsSet("input"), Stdout = IsSet("output"),
            Stderr = IsSet("error") && !IsSet("tty"), // a terminal has one stream for both
        };
        var talk = await _talks.PrepareAsync(http, pod.Key, options, attaches);
        await talk(http.RequestAborted);

        bool IsSet(string name) => query[name] == "1";
    }

    private Task ForwardAsync(HttpContext http, KubeObject pod, string uid)
    {
        Require(pod, uid);
        return _talks.Forward(http, pod.Key, pod.Metadata.Uid, "port")(http.RequestAborted);
    }

    private static void Require(KubeObject pod, string uid)
    {
        if (uid.Length > 0 && uid != pod.Metadata.Uid)
        {
            throw new ApiException(404, "NotFound", "pod not found");
        }
    }
}
