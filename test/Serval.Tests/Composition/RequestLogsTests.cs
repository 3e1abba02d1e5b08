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
        Assert.StartsWith("1 lines of request logs came when their pods had ended", Assert.Single(_logger.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_ThatCannotBeWritten_IsSaid_AndLaterOnesAre()
    {
        var failed = new TaskCompletionSource();
        var written = 0;
        await using (var logs = new RequestLogs(Find, AppendAsync, _logger))
        {
            var log = logs.For(s_on)!;
            log.Write(Record());
            await failed.Task;
            log.Write(Record());
        }
        Assert.Equal(1, written);
        Assert.StartsWith("Lines of request logs could not be written", Assert.Single(_logger.Lines), StringComparison.Ordinal);

        ValueTask<bool> AppendAsync(Pod pod, byte[] lines)
        {
            if (failed.TrySetResult())
            {
                throw new InvalidOperationException("unforeseen");
            }
            written++;
            return ValueTask.FromResult(true);
        }
    }

    [Fact]
    public async Task LongRequests_AreBoundByTheirBytes()
    {
        var (length, most) = (1 << 16, (int)(RequestLogs.MostBytes >> 17));
        await using (var logs = new RequestLogs(Find, Append, _logger))
        {
            var log = logs.For(s_on)!;
            log.Write(Record());
            await _logger.Blocked.Task;
            for (var i = 0; i < most + 3; i++)
            {
                log.Write(Record(new string('a', length)));
            }
            _disk.SetResult();
        }

        Assert.Equal(most, _written.ToString().Count(c => c == '\n')); // that one before them is one, and what a record takes beside its text
        Assert.StartsWith("4 lines of request logs were dropped: ", Assert.Single(_logger.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lines_AtTheEnd_AreWrittenOrCounted()
    {
        var ended = false;
        var logs = new RequestLogs(Find, async (pod, lines) => !ended && await Append(pod, lines), _logger);
        var log = logs.For(s_on)!;
        log.Write(Record());
        await _logger.Blocked.Task; // this one is under way
        log.Write(Record());
        ended = true;
        _disk.SetResult();
        await logs.DisposeAsync();
        log.Write(Record());
        await logs.DisposeAsync();

        Assert.Equal(1, _written.ToString().Count(c => c == '\n'));
        Assert.Equal(
            ["1 lines of request logs came when their pods had ended; they are in no log", "1 lines of request logs were dropped"],
            _logger.Lines.Select(l => l.Split(':')[0]));
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

    private static RequestRecord Record(string target = "/") => new() { Method = "GET", Target = target };

    private static (Pod Pod, string Address)? Find(string uid) => (KubeObject.Parse("""{"metadata":{"name":"p","namespace":"n"}}"""u8.ToArray()).As<Pod>(), "10.0.0.1");

    private async ValueTask<bool> Append(Pod pod, byte[] lines)
    {
        _logger.Blocked.TrySetResult();
        await _disk.Task;
        _written.Append(Encoding.UTF8.GetString(lines));
        return true;
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
