using System.Globalization;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>GET of <c>pods/NAME/log</c>.</summary>
internal sealed class LogHandler(IKubeClient client, IPodStreams? streams, CancellationToken stopping)
{
    public async Task CopyAsync(ApiRequest request, ResourcePath path)
    {
        await client.GetAsync(path.Kind, path.Key, request.Aborted); // a pod that is not there is NotFound, whatever the node says
        var source = streams ?? throw Failures.NoPodStreams();
        var options = Options(request);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping);
        var response = request.Http.Response;
        response.ContentType = "text/plain";
        try
        {
            if (options.Follow)
            {
                request.WriteWarnings();
            }
            await source.CopyLogsAsync(path.Key, options, response.Body, ended.Token); // each write of the response's body is sent at once
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return; // the server goes down: what was read so far is the answer
        }
    }

    private static LogOptions Options(ApiRequest request) => new()
    {
        Container = request.Query("container"),
        Follow = request.Flag("follow"),
        Previous = request.Flag("previous"),
        Timestamps = request.Flag("timestamps"),
        TailLines = AtLeast(request, "tailLines", 0),
        SinceSeconds = AtLeast(request, "sinceSeconds", 1),
        SinceTime = Since(request.Query("sinceTime")),
        LimitBytes = AtLeast(request, "limitBytes", 1),
    };

    private static long? AtLeast(ApiRequest request, string name, long least)
    {
        var value = request.Number(name);
        return value < least ? throw Failures.InvalidOption(name, $"{value}", $"a number of at least {least}") : value;
    }

    private static DateTimeOffset? Since(string text) =>
        text.Length == 0 ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw Failures.InvalidOption("sinceTime", text, "a time as in RFC 3339");
}
