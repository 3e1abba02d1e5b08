using System.Net;
using Serval.Remote;

namespace Serval.Demo;

/// <summary>The demo's HTTP requests; counts every one that is not a good answer.</summary>
internal sealed class DemoTraffic(Uri gateway, Uri url, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);
    private readonly HttpClient _http = GatewayCall.CreateClient(gateway, s_timeout);
    private int _failed;

    public int Failed => _failed;

    public void Dispose() => _http.Dispose();

    /// <summary>One request; milliseconds to the first byte of the answer.</summary>
    public async Task<double> SendAsync(CancellationToken ct) =>
        await TrySendAsync(ct) ?? throw new InvalidOperationException($"the request to {url} failed");

    public async Task<BurstResult> BurstAsync(int requests, CancellationToken ct)
    {
        var before = _failed;
        var times = await Task.WhenAll(Enumerable.Range(0, requests).Select(_ => TrySendAsync(ct)));
        return BurstResult.From([.. times.OfType<double>()], _failed - before);
    }

    private async Task<double?> TrySendAsync(CancellationToken ct)
    {
        var started = time.GetTimestamp();
        try
        {
            using var response = await _http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, ct);
            var took = time.GetElapsedTime(started).TotalMilliseconds;
            var body = await response.Content.ReadAsStringAsync(ct);
            if (response.StatusCode == HttpStatusCode.OK && body.StartsWith("Hello from ", StringComparison.Ordinal))
            {
                return took;
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            // Counted below like a wrong answer.
        }
        Interlocked.Increment(ref _failed);
        return null;
    }
}
