using System.Collections.Concurrent;
using Serval.ApiServer.Certificates;

namespace Serval.ApiServer.Http;

/// <summary>Counts open requests of a kind that last: all of them, and those of each user that is no administrator.</summary>
internal sealed class OpenRequests(string what, int most, int mostOfUser)
{
    private readonly ConcurrentDictionary<string, int> _users = new(StringComparer.Ordinal);

    private int _open;

    /// <summary>Whoever enters leaves by <see cref="Leave"/>. 429 when there are too many.</summary>
    public void Enter(UserInfo user)
    {
        if (Interlocked.Increment(ref _open) > most)
        {
            Interlocked.Decrement(ref _open);
            throw Failures.TooManyOpen(what, most);
        }
        if (!user.IsAdmin && _users.AddOrUpdate(user.Name, 1, static (_, n) => n + 1) > mostOfUser)
        {
            Leave(user);
            throw Failures.TooManyOpen(what, mostOfUser);
        }
    }

    public void Leave(UserInfo user)
    {
        Interlocked.Decrement(ref _open);
        if (!user.IsAdmin && _users.AddOrUpdate(user.Name, 0, static (_, n) => n - 1) == 0)
        {
            _users.TryRemove(new KeyValuePair<string, int>(user.Name, 0)); // unless somebody has entered meanwhile
        }
    }
}
