using System.Buffers;
using System.IO.Pipelines;
using Serval.Api;

namespace Serval.Kube.Remote;

/// <summary>One connection of a watch: a change a line, until the server ends it.</summary>
internal sealed class WatchStream : IAsyncDisposable
{
    /// <summary>Twice the largest object an API server stores, and room to spare.</summary>
    private const int MostFrame = 8 << 20;

    private readonly HttpResponseMessage _response;
    private readonly PipeReader _reader;

    private WatchStream(HttpResponseMessage response, Stream body) => (_response, _reader) = (response, PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 16 << 10)));

    public static async Task<WatchStream> OpenAsync(Transport transport, string path, CancellationToken ct)
    {
        var response = await transport.OpenAsync(path, ct);
        return new WatchStream(response, await response.Content.ReadAsStreamAsync(ct));
    }

    /// <summary>The next change; null when the server ended the watch or the connection broke.</summary>
    /// <exception cref="ApiException">The server says that the watch cannot go on.</exception>
    public async Task<WatchEvent?> NextAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                var read = await _reader.ReadAsync(ct);
                if (read.Buffer.PositionOf((byte)'\n') is { } end)
                {
                    var frame = read.Buffer.Slice(0, end).ToArray();
                    _reader.AdvanceTo(read.Buffer.GetPosition(1, end));
                    if (frame.Length > 0)
                    {
                        return WireObjects.Change(frame);
                    }
                    continue;
                }
                if (read.IsCompleted || read.Buffer.Length > MostFrame)
                {
                    return null; // what was cut in its middle comes again
                }
                _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.CompleteAsync();
        _response.Dispose();
    }
}
