using Serval.Api;
using Serval.Api.Config;
using Serval.Api.GoText;

namespace Serval.ApiServer.Http;

/// <summary>
/// Ends requests that take too long: 60 s, a patch 34 s (apiserver: server/config.go, endpoints/handlers/patch.go); <c>timeout</c> in the query
/// asks for less. Watches and streams have no such end.
/// </summary>
internal sealed class RequestDeadline(TimeProvider time, RequestStep next)
{
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_patch = TimeSpan.FromSeconds(34);

    public async Task RunAsync(ApiRequest request)
    {
        if (request.Info.IsLongRunning)
        {
            await next(request);
            return;
        }
        var left = request.Aborted;
        using var ended = new CancellationTokenSource(Limit(request), time);
        await using var link = left.UnsafeRegister(static e => ((CancellationTokenSource)e!).Cancel(), ended);
        request.Aborted = ended.Token;
        try
        {
            await next(request);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested && !left.IsCancellationRequested)
        {
            throw Failures.TimedOut();
        }
        finally
        {
            request.Aborted = left; // who tells of the failure may still write
        }
    }

    private static TimeSpan Limit(ApiRequest request)
    {
        var most = request.Method == "PATCH" ? s_patch : s_most;
        var asked = request.Query("timeout");
        if (asked.Length == 0)
        {
            return most;
        }
        if (!GoDuration.TryParse(asked, out var limit))
        {
            throw ApiException.BadRequest($"invalid timeout specified in the request URL - time: {(asked.All(char.IsAsciiDigit) ? "missing unit in" : "invalid")} duration {GoQuote.Quote(asked)}");
        }
        return limit > TimeSpan.Zero && limit < most ? limit : most;
    }
}
