using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>One connection of a watch: a change a line, until the server ends it.</summary>
internal sealed class WatchStream : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly LineReader _lines;

    private WatchStream(HttpResponseMessage response, Stream body) => (_response, _lines) = (response, new LineReader(body));

    public static async Task<WatchStream> OpenAsync(Transport transport, string path, CancellationToken ct)
    {
        var response = await transport.OpenAsync(path, ct);
        return new WatchStream(response, await response.Content.ReadAsStreamAsync(ct));
    }

    /// <summary>The next change; null when the server ended the watch or the connection broke.</summary>
    /// <exception cref="ApiException">The server says that the watch cannot go on.</exception>
    public async Task<WatchEvent?> NextAsync(CancellationToken ct)
    {
        while (await _lines.NextAsync(ct) is { } frame)
        {
            if (frame.Length > 0)
            {
                return WireObjects.Change(frame);
            }
        }
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _lines.DisposeAsync();
        _response.Dispose();
    }
}
