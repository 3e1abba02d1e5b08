using Serval.Api;

namespace Serval.ApiServer.Http;

/// <summary>
/// Bounds how many requests are worked on at a time, reads and writes apart (apiserver: server/filters/maxinflight.go). Long ones and those of
/// administrators are not counted.
/// </summary>
internal sealed class InFlight(int reads, int writes, RequestStep next)
{
    private readonly Room _reads = new(reads);
    private readonly Room _writes = new(writes);

    public async Task RunAsync(ApiRequest request)
    {
        if (request.User.IsAdmin || request.Info.IsLongRunning)
        {
            await next(request);
            return;
        }
        var room = request.Info.IsReadOnly ? _reads : _writes;
        room.Enter();
        try
        {
            await next(request);
        }
        finally
        {
            room.Leave();
        }
    }

    private sealed class Room(int most)
    {
        private int _inside;

        public void Enter()
        {
            if (Interlocked.Increment(ref _inside) > most)
            {
                Leave();
                throw ApiException.TooManyRequests("Too many requests, please try again later.", retryAfterSeconds: 1);
            }
        }

        public void Leave() => Interlocked.Decrement(ref _inside);
    }
}
