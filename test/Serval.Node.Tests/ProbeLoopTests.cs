using Serval.Api.Core;
using Serval.Node.Probes;

namespace Serval.Node.Tests;

/// <summary>How often a probe is run, for how long each time, and what its thresholds make of it.</summary>
public sealed class ProbeLoopTests
{
    private readonly ManualTime _time = new();
    private readonly Queue<bool?> _answers = new(); // null: none comes
    private readonly List<string> _seen = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>A try that hangs costs an eager probe a tenth of a second, any other its whole timeout.</summary>
    [Theory]
    [InlineData(true, 100)]
    [InlineData(false, 3000)]
    public async Task Readiness_FirstTryHangs_IsTriedAgainAfter(bool eager, int milliseconds)
    {
        _answers.Enqueue(null);
        var probe = new Probe { HttpGet = new HttpGetAction(), TimeoutSeconds = 3 };
        var ready = new TaskCompletionSource();
        var watching = Loop(probe, eager).WatchReadinessAsync(
            r =>
            {
                Report(r);
                if (r.Ok)
                {
                    ready.TrySetResult();
                }
            },
            _stop.Token);
        await _time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(milliseconds)); // somebody waits for just that long
        await _time.AdvanceOnceAsync(TimeSpan.FromMilliseconds(1));
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal([$"not ready: probe timed out after {(eager ? "0.1" : "3")}s", "ready"], _seen);
        await EndAsync(watching);
    }

    /// <summary>Failures and successes count when they follow each other.</summary>
    [Theory]
    [InlineData("+", 1, 1, "ready")]
    [InlineData("--+", 1, 1, "not ready: no; ready")]
    [InlineData("+-+", 2, 1, "not ready: no; ready")] // the next answers are successes
    [InlineData("+-", 1, 2, "ready")]
    [InlineData("+--+", 1, 2, "ready; not ready: no; ready")]
    [InlineData("+-+-+", 1, 2, "ready")]
    [InlineData("++--+-++", 2, 2, "ready; not ready: no; ready")]
    public async Task Readiness_Thresholds_AreOfRunsInARow(string answers, int successes, int failures, string expected)
    {
        Answer(answers);
        var probe = new Probe { HttpGet = new HttpGetAction(), PeriodSeconds = 5, SuccessThreshold = successes, FailureThreshold = failures };
        var watching = Loop(probe).WatchReadinessAsync(Report, _stop.Token);
        Pass(60_000);
        Assert.Equal(expected, string.Join("; ", _seen));
        await EndAsync(watching);
    }

    [Theory]
    [InlineData("---", 3, 15_000, "failed")]
    [InlineData("--+--", 3, 60_000, "")]
    [InlineData("-", 1, 4_999, "")]
    [InlineData("-", 1, 5_000, "failed")]
    public async Task Liveness_Fails_WhenTheThresholdIsUsedUp(string answers, int failures, int milliseconds, string expected)
    {
        Answer(answers);
        var probe = new Probe { HttpGet = new HttpGetAction(), PeriodSeconds = 5, FailureThreshold = failures };
        var watching = Loop(probe).WatchLivenessAsync(r => _seen.Add("failed"), _stop.Token);
        Pass(milliseconds);
        Assert.Equal(expected, string.Join("; ", _seen));
        await EndAsync(watching);
    }

    [Fact]
    public async Task Startup_Delay_IsWaitedFor()
    {
        var watching = Loop(new Probe { HttpGet = new HttpGetAction(), InitialDelaySeconds = 7 }).WatchStartupAsync(r => _seen.Add(r.Ok ? "started" : "failed"), _stop.Token);
        Pass(6_999);
        Assert.Empty(_seen);
        Pass(1);
        Assert.Equal(["started"], _seen);
        await EndAsync(watching);
    }

    private void Answer(string answers)
    {
        foreach (var answer in answers)
        {
            _answers.Enqueue(answer == '+');
        }
    }

    private ProbeLoop Loop(Probe probe, bool eager = false) => new(
        new ProbePlan { Probe = probe, EagerTimeout = eager ? TimeSpan.FromMilliseconds(100) : null, Check = CheckAsync }, _time);

    private async Task<ProbeResult> CheckAsync(TimeSpan timeout, CancellationToken ct)
    {
        if (!_answers.TryDequeue(out var answer))
        {
            return ProbeResult.Success;
        }
        if (answer is null)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, _time, ct);
        }
        return answer == true ? ProbeResult.Success : ProbeResult.Failure("no");
    }

    private void Report(ProbeResult result)
    {
        var text = result.Ok ? "ready" : $"not ready: {result.Message}";
        if (_seen.Count == 0 || _seen[^1] != text)
        {
            _seen.Add(text);
        }
    }

    private void Pass(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private async Task EndAsync(Task watching)
    {
        await _stop.CancelAsync();
        try
        {
            await watching;
        }
        catch (OperationCanceledException)
        {
            // it watches until it is told not to
        }
        _stop.Dispose();
    }
}
