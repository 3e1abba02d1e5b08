using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace Serval.Signals.Tests;

/// <summary>An endpoint behind a line that can be cut.</summary>
internal sealed class Line(ISignalEndpoint inner) : ISignalEndpoint
{
    private readonly ConcurrentDictionary<HttpContext, bool> _open = [];

    public string Path => inner.Path;

    public int Open => _open.Count;

    public void Cut()
    {
        foreach (var http in _open.Keys)
        {
            http.Abort();
        }
    }

    public async Task AnswerAsync(HttpContext http)
    {
        _open[http] = true;
        try
        {
            await inner.AnswerAsync(http);
        }
        finally
        {
            _open.TryRemove(http, out _);
        }
    }
}
