using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Proxy;

namespace Serval.Composition;

/// <summary>
/// Requests that reached an instance → lines in the request log of its pod, as config-observability says. A bounded queue is between them: the
/// gateway never waits for a disk; what does not fit is dropped, counted and said, and so is what comes when the pod has ended.
/// </summary>
internal sealed partial class RequestLogs : IAsyncDisposable
{
    internal const int MostWaiting = 8192;
    internal const long MostBytes = 8 << 20;
    private const int MostInOne = 512;
    private readonly Func<string, (Pod Pod, string Address)?> _find;
    private readonly Func<Pod, byte[], ValueTask<bool>> _append;
    private readonly ILogger _logger;
    private readonly Channel<(RequestRecord Request, RequestLogTemplate Template)> _queue =
        Channel.CreateBounded<(RequestRecord, RequestLogTemplate)>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });

    private readonly Task _writing;
    private long _bytes; // waiting
    private long _dropped;

    /// <param name="find">A pod by its uid, and its address; null when it is gone.</param>
    /// <param name="append">Adds whole lines to the request log of a pod; false when it is gone.</param>
    /// <param name="logger">Hears of lines that were dropped.</param>
    public RequestLogs(Func<string, (Pod Pod, string Address)?> find, Func<Pod, byte[], ValueTask<bool>> append, ILogger<RequestLogs> logger)
    {
        (_find, _append, _logger) = (find, append, logger);
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>The log that these settings ask for; null when they ask for none.</summary>
    public IRequestLog? For(ObservabilityConfig config) => config is { EnableRequestLog: true, RequestLogTemplate: { } template }
        ? new Log(this, template, config.EnableProbeRequestLog)
        : null;

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
        SayDropped();
    }

    private async Task WriteAllAsync()
    {
        var lines = new Dictionary<string, (Pod Pod, List<string> Text)>(StringComparer.Ordinal); // by uid
        while (await _queue.Reader.WaitToReadAsync())
        {
            try
            {
                await WriteSomeAsync(lines);
            }
            catch (Exception e) when (e is not OutOfMemoryException) // whatever it is: to write no more is worse
            {
                Said.Failed(_logger, e);
            }
            lines.Clear();
            SayDropped();
        }
    }

    private async Task WriteSomeAsync(Dictionary<string, (Pod Pod, List<string> Text)> lines)
    {
        long gone = 0;
        for (var i = 0; i < MostInOne && _queue.Reader.TryRead(out var next); i++)
        {
            Interlocked.Add(ref _bytes, -next.Request.Weight);
            if (Describe(next.Request) is not ({ } pod, { } request))
            {
                gone++;
                continue;
            }
            if (!lines.TryGetValue(next.Request.InstanceId, out var ofPod))
            {
                lines[next.Request.InstanceId] = ofPod = (pod, []);
            }
            ofPod.Text.Add(next.Template.Render(request));
        }
        foreach (var (pod, text) in lines.Values)
        {
            gone += await _append(pod, Encoding.UTF8.GetBytes(string.Concat(text))) ? 0 : text.Count;
        }
        if (gone > 0)
        {
            Said.Gone(_logger, gone);
        }
    }

    private void SayDropped()
    {
        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
        {
            Said.Dropped(_logger, dropped);
        }
    }

    private (Pod, LoggedRequest)? Describe(RequestRecord request)
    {
        if (_find(request.InstanceId) is not ({ } pod, var address))
        {
            return null;
        }
        return (pod, new LoggedRequest
        {
            Method = request.Method, Target = request.Target, Host = request.Host, Protocol = request.Protocol,
            RemoteAddress = request.Client?.ToString() ?? "", ContentLength = request.ContentLength, Headers = request.Headers,
            Status = request.Status, Size = request.Size, Latency = request.Latency,
            Revision = request.Backend.Name, Namespace = request.Backend.Namespace,
            Service = pod.Metadata.Label(KnativeNames.ServiceLabel) ?? "", Configuration = pod.Metadata.Label(KnativeNames.ConfigurationLabel) ?? "",
            PodName = pod.Metadata.Name, PodIP = address,
        });
    }

    private sealed class Log(RequestLogs owner, RequestLogTemplate template, bool probes) : IRequestLog
    {
        public IReadOnlyList<string> Headers => template.Headers;

        public bool Probes => probes;

        public void Write(RequestRecord record)
        {
            var weight = record.Weight;
            if (Interlocked.Add(ref owner._bytes, weight) > MostBytes || !owner._queue.Writer.TryWrite((record, template)))
            {
                Interlocked.Add(ref owner._bytes, -weight);
                Interlocked.Increment(ref owner._dropped);
            }
        }
    }

    private static partial class Said
    {
        [LoggerMessage(1, LogLevel.Warning, "{Count} lines of request logs were dropped: requests end faster than lines can be written. Shorten logging.request-log-template, or turn logging.enable-request-log off.")]
        public static partial void Dropped(ILogger logger, long count);

        [LoggerMessage(2, LogLevel.Warning, "{Count} lines of request logs came when their pods had ended; they are in no log")]
        public static partial void Gone(ILogger logger, long count);

        [LoggerMessage(3, LogLevel.Warning, "Lines of request logs could not be written; those that come are tried")]
        public static partial void Failed(ILogger logger, Exception e);
    }
}
