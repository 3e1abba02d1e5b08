using System.Security.Cryptography;
using Serval.Api;
using Serval.Kube;

namespace Serval.ApiServer.Http;

/// <summary>
/// Watches: one JSON frame a line, sent when no further change is at hand. They end at <c>timeoutSeconds</c>, when the client leaves, when the
/// server stops, or with an ERROR frame when the client has fallen too far behind.
/// </summary>
internal sealed class WatchHandler(IKubeClient client, ApiServerOptions options, CancellationToken stopping)
{
    private const int FlushSize = 64 * 1024;
    private const int DefaultSeconds = 1800; // up to twice that, so that clients do not come back all at once

    private readonly OpenRequests _open = new("watches", options.MaxWatches, options.MaxUserWatches);

    public async Task WatchAsync(ApiRequest request, ResourcePath path)
    {
        var shape = request.Shape(single: true);
        var plan = WatchPlan.Read(request, path);
        _open.Enter(request.User);
        try
        {
            await RunAsync(request, path, plan, shape);
        }
        finally
        {
            _open.Leave(request.User);
        }
    }

    private async Task RunAsync(ApiRequest request, ResourcePath path, WatchPlan plan, ReplyShape shape)
    {
        using var timeout = new CancellationTokenSource(Lifetime(request), options.TimeProvider);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, stopping, timeout.Token);
        var frames = new WatchFrames(request.Http.Response.BodyWriter, path.Kind, shape, options.TimeProvider, plan.MarkInitialEnd);
        try
        {
            await CopyAsync(request, path, plan.Options, frames, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            if (!request.Aborted.IsCancellationRequested)
            {
                await StartAsync(request);
                await frames.FlushAsync(request.Aborted);
            }
        }
        catch (ApiException e) when (e.Code == 410 || request.Http.Response.HasStarted)
        {
            await StartAsync(request);
            frames.Error(e);
            await frames.FlushAsync(request.Aborted);
        }
    }

    private async Task CopyAsync(ApiRequest request, ResourcePath path, WatchOptions watch, WatchFrames frames, CancellationToken ct)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using var changes = client.WatchAsync(path.Kind, path.Namespace, watch, reading.Token).GetAsyncEnumerator(reading.Token);
        while (true)
        {
            var next = changes.MoveNextAsync();
            if (!next.IsCompleted)
            {
                // Nothing more at hand: the client sees what there is (at first, that the watch stands).
                try
                {
                    await StartAsync(request);
                    await frames.FlushAsync(ct);
                }
                catch
                {
                    await reading.CancelAsync();
                    await SettleAsync(next);
                    throw;
                }
            }
            if (!await next)
            {
                await StartAsync(request);
                await frames.FlushAsync(ct);
                return;
            }
            frames.Change(changes.Current);
            if (frames.Unflushed > FlushSize)
            {
                await StartAsync(request);
                await frames.FlushAsync(ct);
            }
        }
    }

    /// <summary>An iterator may be disposed of only between its moves. How this one ends is of no interest: there is nobody left to tell.</summary>
    private static async Task SettleAsync(ValueTask<bool> move)
    {
        try
        {
            await move;
        }
        catch (Exception e) when (e is OperationCanceledException or ApiException)
        {
        }
    }

    private static async Task StartAsync(ApiRequest request)
    {
        var response = request.Http.Response;
        if (!response.HasStarted)
        {
            request.WriteWarnings();
            response.ContentType = "application/json";
            await response.StartAsync(request.Aborted);
        }
    }

    private static TimeSpan Lifetime(ApiRequest request)
    {
        var asked = request.Number("timeoutSeconds") ?? 0;
        return TimeSpan.FromSeconds(asked > 0 ? Math.Min(asked, 86_400) : DefaultSeconds + RandomNumberGenerator.GetInt32(DefaultSeconds));
    }
}
