namespace Serval.Proxy.Tests;

public sealed class RecordingDemand : IDemandSink
{
    private readonly Lock _lock = new();
    private readonly List<BackendDemand> _reports = [];
    private readonly List<(Func<BackendDemand, bool> Want, TaskCompletionSource Seen)> _wanted = [];

    public IReadOnlyList<BackendDemand> Reports
    {
        get
        {
            lock (_lock)
            {
                return [.. _reports];
            }
        }
    }

    public void Report(ReadOnlySpan<BackendDemand> demand)
    {
        lock (_lock)
        {
            foreach (var one in demand)
            {
                _reports.Add(one);
                foreach (var (want, seen) in _wanted)
                {
                    if (want(one))
                    {
                        seen.TrySetResult();
                    }
                }
            }
        }
    }

    public Task WaitAsync(Func<BackendDemand, bool> want)
    {
        lock (_lock)
        {
            if (_reports.Exists(r => want(r)))
            {
                return Task.CompletedTask;
            }
            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _wanted.Add((want, seen));
            return seen.Task;
        }
    }
}
