using System.Security.Cryptography.X509Certificates;

namespace Serval.Kube.Remote;

/// <summary>
/// A token in a file that somebody renews: read again each minute and when the server refuses it (client-go: transport/token_source.go). A file
/// that cannot be read for a while leaves the token that was read last.
/// </summary>
internal sealed class TokenFile(string path, X509Certificate2? certificate, TimeProvider time) : ICredentialSource
{
    private static readonly TimeSpan s_fresh = TimeSpan.FromMinutes(1);
    private readonly Lock _lock = new();
    private Credential? _current; // guarded by _lock
    private DateTimeOffset _readAt; // guarded by _lock

    public ValueTask<Credential> GetAsync(Credential? refused, CancellationToken ct)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (_current is null || ReferenceEquals(refused, _current) || now - _readAt >= s_fresh)
            {
                _current = Read() is { } next && next != _current ? next : _current;
                _readAt = now;
            }
            return new(_current!);
        }
    }

    private Credential? Read()
    {
        try
        {
            var token = File.ReadAllText(path).Trim();
            return token.Length > 0 ? Credential.Bearer(token, certificate)
                : _current is not null ? null
                : throw new KubeConfigException($"the token file {path} is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return _current is not null ? null : throw new KubeConfigException($"the token file {path} cannot be read: {e.Message}", e);
        }
    }
}
