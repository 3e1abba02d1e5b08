using System.Buffers;
using System.IO.Pipelines;

namespace Serval.Kube.Remote;

/// <summary>A stream of lines, as watches and signals are. What is no line yet is kept up to a bound.</summary>
internal sealed class LineReader(Stream body) : IAsyncDisposable
{
    /// <summary>Twice the largest object an API server stores, and room to spare.</summary>
    public const int MostLine = 8 << 20;

    private readonly PipeReader _reader = PipeReader.Create(body, new StreamPipeReaderOptions(bufferSize: 16 << 10));

    /// <summary>The next line, which may be empty; null when the stream has ended, is broken, or brings a line without end.</summary>
    public async Task<byte[]?> NextAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                var read = await _reader.ReadAsync(ct);
                if (read.Buffer.PositionOf((byte)'\n') is { } end)
                {
                    var line = read.Buffer.Slice(0, end).ToArray();
                    _reader.AdvanceTo(read.Buffer.GetPosition(1, end));
                    return line;
                }
                if (read.IsCompleted || read.Buffer.Length > MostLine)
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

    public ValueTask DisposeAsync() => _reader.CompleteAsync();
}
