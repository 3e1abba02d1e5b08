using System.Text;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Core;
using Serval.Composition;
using Serval.Proxy;

namespace Serval.Tests.Composition;

public sealed class RequestLogsTests
{
    private static readonly ObservabilityConfig s_on = new() { EnableRequestLog = true };
    private readonly RecordingLogger _logger = new();
    private readonly TaskCompletionSource _disk = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StringBuilder _written = new();

    [Fact]
    public async Task DiskThatIsSlow_DropsLines_AndSaysHowMany()
    {
        await using (var logs = new RequestLogs(Find, Append, _logger))
        {
            var log = logs.For(s_on)!;
            log.Write(Record());
            await _logger.Blocked.Task; // the first line is under way, and stays there
            for (var i = 0; i < RequestLogs.MostWaiting + 3; i++)
            {
                log.Write(Record());
            }
            _disk.SetResult();
        }

        Assert.Equal(1 + RequestLogs.MostWaiting, _written.ToString().Count(c => c == '\n'));
        Assert.StartsWith("3 lines of request logs were dropped: ", Assert.Single(_logger.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_OfPodsThatAreGone_AreNobodys()
    {
        await using (var logs = new RequestLogs(_ => null, Append, _logger))
        {
            logs.For(s_on)!.Write(Record());
        }
        Assert.Equal(0, _written.Length);
    }

    [Fact]
    public async Task Settings_SayWhetherThereIsALog()
    {
        await using var logs = new RequestLogs(Find, Append, _logger);
        Assert.Null(logs.For(ObservabilityConfig.Default));
        Assert.Null(logs.For(s_on with { RequestLogTemplate = null }));
        Assert.False(logs.For(s_on)!.Probes);
        Assert.True(logs.For(s_on with { EnableProbeRequestLog = true })!.Probes);
    }

    private static RequestRecord Record() => new() { Method = "GET", Target = "/" };

    private static (Pod Pod, string Address)? Find(string uid) => (KubeObject.Parse("""{"metadata":{"name":"p","namespace":"n"}}"""u8.ToArray()).As<Pod>(), "10.0.0.1");

    private void Append(string pod, byte[] lines)
    {
        _logger.Blocked.TrySetResult();
        _disk.Task.Wait();
        _written.Append(Encoding.UTF8.GetString(lines));
    }

    private sealed class RecordingLogger : ILogger<RequestLogs>
    {
        public TaskCompletionSource Blocked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
