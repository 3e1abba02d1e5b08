namespace Serval.Kube.Remote;

/// <summary>
/// How long to wait before a watch is opened again: not at all after one that stood, else 0.8 s doubled up to 30 s, with jitter, forgotten after
/// two good minutes (client-go: tools/cache/reflector.go). One that ends within a second counts as failed.
/// </summary>
internal sealed class WatchPace(TimeProvider time, Jitter jitter)
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_brief = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_good = TimeSpan.FromMinutes(2);
    private int _failures;
    private long _began;

    public void Begin() => _began = time.GetTimestamp();

    public async Task EndAsync(bool failed, CancellationToken ct)
    {
        var lasted = time.GetElapsedTime(_began);
        if (lasted >= s_good)
        {
            _failures = 0;
        }
        if (!failed && lasted >= s_brief)
        {
            return;
        }
        var pause = s_first * Math.Pow(2, Math.Min(_failures++, 6));
        await Task.Delay((pause < s_longest ? pause : s_longest) * jitter.Factor(), time, ct);
    }
}
