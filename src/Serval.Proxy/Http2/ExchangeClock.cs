using System.IO.Pipelines;
using Serval.Routing;

namespace Serval.Proxy;

/// <summary>The three timeouts of one exchange, and a client that leaves or does not read, as one token with a reason.</summary>
internal sealed class ExchangeClock : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _client;
    private readonly ITimer? _whole;
    private readonly ITimer? _start;
    private readonly ITimer? _idle;
    private readonly TimeSpan _idleTimeout;
    private readonly TimeProvider _time;
    private readonly TimeSpan _writeTimeout;
    private ITimer? _write;
    private int _why = -1;

    public ExchangeClock(RevisionPolicy policy, ProxyOptions options, CancellationToken clientGone)
    {
        var time = _time = options.TimeProvider;
        _writeTimeout = options.ClientWriteTimeout;
        _source = new CancellationTokenSource();
        _client = clientGone.UnsafeRegister(static self => ((ExchangeClock)self!).End(RequestOutcome.ClientAborted), this);
        _whole = Timer(time, policy.Timeout, RequestOutcome.Timeout);
        _start = Timer(time, policy.ResponseStartTimeout, RequestOutcome.ResponseStartTimeout);
        _idleTimeout = policy.IdleTimeout;
        _idle = policy.IdleTimeout > TimeSpan.Zero ? Timer(time, policy.IdleTimeout, RequestOutcome.IdleTimeout) : null;
        _idle?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Why the token was cancelled.</summary>
    public RequestOutcome? Why => Volatile.Read(ref _why) is var why && why >= 0 ? (RequestOutcome)why : null;

    /// <summary>A write to the client is under way: it has not read what came before.</summary>
    public bool WaitsForClient { get; private set; }

    /// <summary>Bytes passed at an instance.</summary>
    public void NoteActivity() => _idle?.Change(_idleTimeout, Timeout.InfiniteTimeSpan);

    public void ResponseStarted() => _start?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    /// <summary>Waits for a write to the client, but not longer than <see cref="ProxyOptions.ClientWriteTimeout"/>.</summary>
    public ValueTask<FlushResult> WatchWriteAsync(ValueTask<FlushResult> writing) => writing.IsCompleted ? writing : AwaitWriteAsync(writing);

    public void Dispose()
    {
        _write?.Dispose();
        _client.Dispose();
        _whole?.Dispose();
        _start?.Dispose();
        _idle?.Dispose();
        _source.Dispose();
    }

    private async ValueTask<FlushResult> AwaitWriteAsync(ValueTask<FlushResult> writing)
    {
        _write ??= _time.CreateTimer(static self => ((ExchangeClock)self!).End(RequestOutcome.ClientAborted), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _write.Change(_writeTimeout, Timeout.InfiniteTimeSpan);
        WaitsForClient = true;
        var result = await writing;
        WaitsForClient = false;
        _write.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return result;
    }

    private ITimer? Timer(TimeProvider time, TimeSpan after, RequestOutcome outcome) =>
        after <= TimeSpan.Zero ? null : time.CreateTimer(_ => End(outcome), null, after, Timeout.InfiniteTimeSpan);

    private void End(RequestOutcome why)
    {
        if (Interlocked.CompareExchange(ref _why, (int)why, -1) == -1)
        {
            try
            {
                _source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // the exchange ended at the same moment
            }
        }
    }
}
