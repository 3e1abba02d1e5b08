namespace Serval.Kube.Remote;

/// <summary>
/// Credentials of kubeconfig files that somebody renews: looked at again each minute, and when the server refuses what was read. While the files say
/// what they said, what has been obtained by them stays; while they cannot be read, the last ones count.
/// </summary>
/// <param name="first">What the files said.</param>
/// <param name="text">Their text.</param>
/// <param name="read">What they say now.</param>
/// <param name="time">The clock.</param>
internal sealed class RenewedCredentials(ICredentialSource first, string text, Func<(ICredentialSource Source, string Text)> read, TimeProvider time) : ICredentialSource
{
    private static readonly TimeSpan s_fresh = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private (ICredentialSource Source, string Text) _current = (first, text); // guarded by _lock
    private long _readAt = time.GetTimestamp(); // guarded by _lock

    public ValueTask<Credential> GetAsync(Credential? refused, CancellationToken ct)
    {
        ICredentialSource source;
        lock (_lock)
        {
            if (refused is not null || time.GetElapsedTime(_readAt) >= s_fresh)
            {
                _readAt = time.GetTimestamp();
                Read_NeedsLock();
            }
            source = _current.Source;
        }
        return source.GetAsync(refused, ct);
    }

    private void Read_NeedsLock()
    {
        try
        {
            var now = read();
            _current = now.Text == _current.Text ? _current : now;
        }
        catch (KubeConfigException)
        {
            // It is being written, or wrong now: what was read last may still do.
        }
    }
}
