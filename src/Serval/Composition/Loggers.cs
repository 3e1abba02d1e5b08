using Microsoft.Extensions.Logging;

namespace Serval.Composition;

/// <summary>
/// Logs of <c>serval up</c>: warnings and errors, one line each, on standard error. <c>SERVAL_LOG=debug</c> shows more.
/// </summary>
internal sealed class Loggers : IAsyncDisposable
{
    internal Loggers()
    {
        var level = Enum.TryParse<LogLevel>(Environment.GetEnvironmentVariable("SERVAL_LOG"), ignoreCase: true, out var asked) ? asked : LogLevel.Warning;
        Factory = LoggerFactory.Create(logging => logging.SetMinimumLevel(level).AddProvider(new LineLogger(Console.Error)));
    }

    internal ILoggerFactory Factory { get; }

    public ValueTask DisposeAsync()
    {
        Factory.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class LineLogger(TextWriter output) : ILoggerProvider, ILogger
    {
        private readonly Lock _lock = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            // The cause in one line; the whole stack only for what should never happen.
            var cause = exception is null ? "" : logLevel >= LogLevel.Error ? $": {exception}" : $": {exception.Message}";
            lock (_lock)
            {
                output.WriteLine($"{logLevel.ToString().ToLowerInvariant()}: {formatter(state, exception)}{cause}");
            }
        }

        public void Dispose()
        {
            // nothing of its own
        }
    }
}
