using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Serval.Testing;

/// <summary>Waits for what tells nobody that it came, above all what other processes and the kernel do.</summary>
public static class Poll
{
    /// <summary>Looks again every few milliseconds. The limit only turns a hang into a failure.</summary>
    public static async Task UntilAsync(Func<bool> reached, [CallerArgumentExpression(nameof(reached))] string what = "")
    {
        var clock = Stopwatch.StartNew();
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        while (!reached())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"after a minute this is still not so: {what}");
            await pause.WaitForNextTickAsync();
        }
    }
}
