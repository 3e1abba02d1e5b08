using Serval.Api;

namespace Serval.Signals;

/// <summary>Counts the open requests of each user: a stream is one.</summary>
internal sealed class UserStreams
{
    /// <summary>Of one user at once.</summary>
    public const int Most = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal); // guarded by _lock

    /// <summary>Counts one more until what it returns is disposed. 429 when there are too many.</summary>
    public Place Enter(string user)
    {
        lock (_lock)
        {
            var open = _open.GetValueOrDefault(user);
            if (open >= Most)
            {
                throw ApiException.TooManyRequests($"too many streams are open ({Most}); close some, or try again", retryAfterSeconds: 1);
            }
            _open[user] = open + 1;
        }
        return new Place(this, user);
    }

    private void Leave(string user)
    {
        lock (_lock)
        {
            if (--_open[user] == 0)
            {
                _open.Remove(user);
            }
        }
    }

    /// <summary>To be disposed once.</summary>
    internal readonly struct Place(UserStreams streams, string user) : IDisposable
    {
        public void Dispose() => streams.Leave(user);
    }
}
