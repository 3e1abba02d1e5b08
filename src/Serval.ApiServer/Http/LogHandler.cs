using System.Globalization;
using Serval.Api;
using Serval.Kube;
using Serval.Kube.Streams;

namespace Serval.ApiServer.Http;

/// <summary>GET of <c>pods/NAME/log</c>, as a body or as messages of a WebSocket.</summary>
internal sealed class LogHandler(IKubeClient client, ApiServerOptions options, CancellationToken stopping)
{
    private readonly OpenRequests _open = new("logs", options.MaxWatches, options.MaxUserWatches);

    public async Task CopyAsync(ApiRequest request, ResourcePath path)
    {
        await client.GetAsync(path.Kind, path.Key, request.Aborted); // a pod that is not there is NotFound, whatever the node says
        var source = options.PodStreams ?? throw Failures.NoPodStreams();
        var wanted = Options(request, path.Name);
        _open.Enter(request.User);
        try
        {
            await (WebSocketUpgrade.IsAsked(request.Http.Request)
                ? SendAsync(request, path.Key, source, wanted)
                : CopyAsync(request, path.Key, source, wanted));
        }
        finally
        {
            _open.Leave(request.User);
        }
    }

    private async Task CopyAsync(ApiRequest request, ObjectKey pod, IPodStreams source, LogOptions wanted)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping);
        var response = request.Http.Response;
        response.ContentType = "text/plain";
        try
        {
            if (wanted.Follow)
            {
                request.WriteWarnings();
            }
            await source.CopyLogsAsync(pod, wanted, response.Body, ended.Token); // each write of the response's body is sent at once
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return; // the server goes down: what was read so far is the answer
        }
    }

    private async Task SendAsync(ApiRequest request, ObjectKey pod, IPodStreams source, LogOptions wanted)
    {
        await using var socket = LogSocket.For(request.Http, options.TimeProvider);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping, socket.Left);
        try
        {
            await source.CopyLogsAsync(pod, wanted, socket, ended.Token);
        }
        catch (OperationCanceledException) when (socket.Left.IsCancellationRequested || ended.IsCancellationRequested) // what is linked hears of it a moment later
        {
            // the server goes down, or the client has gone
        }
        await socket.CloseAsync(request.Aborted);
    }

    private static LogOptions Options(ApiRequest request, string pod)
    {
        var problems = new OptionProblems("PodLogOptions", group: "", pod);
        var options = new LogOptions
        {
            Container = request.Query("container"),
            Follow = request.Flag("follow"),
            Previous = request.Flag("previous"),
            Timestamps = request.Flag("timestamps"),
            TailLines = AtLeast(request, "tailLines", 0, problems),
            LimitBytes = AtLeast(request, "limitBytes", 1, problems),
            SinceSeconds = AtLeast(request, "sinceSeconds", 1, problems),
            SinceTime = Since(request.Query("sinceTime")),
        };
        if (options is { SinceSeconds: not null, SinceTime: not null })
        {
            problems.Forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified");
        }
        problems.Throw();
        return options;
    }

    private static long? AtLeast(ApiRequest request, string name, long least, OptionProblems problems)
    {
        var value = request.Number(name);
        if (value < least)
        {
            problems.Invalid(name, $"{value}", least == 0 ? "must be greater than or equal to 0" : "must be greater than 0");
        }
        return value;
    }

    private static DateTimeOffset? Since(string text) =>
        text.Length == 0 ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw ApiException.BadRequest($"parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": it is not a time as in RFC 3339");
}
