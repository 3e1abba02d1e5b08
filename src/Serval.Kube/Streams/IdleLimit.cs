namespace Serval.Kube.Streams;

/// <summary>A token that is cancelled when nothing has happened for four hours (kubelet streamingConnectionIdleTimeout), or another token is.</summary>
internal sealed class IdleLimit : IDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromHours(4);

    private readonly CancellationTokenSource _idle;
    private readonly CancellationTokenSource _either;

    public IdleLimit(TimeProvider time, CancellationToken ended)
    {
        _idle = new CancellationTokenSource(s_idle, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_idle.Token, ended);
        Token = _either.Token;
    }

    public CancellationToken Token { get; }

    public void Touch() => _idle.CancelAfter(s_idle);

    public Task CancelAsync() => _either.CancelAsync();

    public void Dispose()
    {
        _either.Dispose();
        _idle.Dispose();
    }
}
