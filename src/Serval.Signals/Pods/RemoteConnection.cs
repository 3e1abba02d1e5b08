using System.IO.Pipelines;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>A connection to a port of a pod on a node.</summary>
internal sealed class RemoteConnection : AsyncStream, IHalfConnection
{
    private const int MostUnread = 64 << 10;

    private readonly StreamFrames _frames;
    private readonly Pipe _incoming = new(new PipeOptions(pauseWriterThreshold: MostUnread, resumeWriterThreshold: MostUnread / 2, useSynchronizationContext: false));
    private readonly CancellationTokenSource _over = new();
    private readonly Stream _read;

    public RemoteConnection(StreamFrames frames)
    {
        _frames = frames;
        _read = _incoming.Reader.AsStream(leaveOpen: true);
        _ = ListenAsync();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _read.ReadAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await _frames.SendAsync(StreamFrame.Input, buffer, cancellationToken);

    public Task EndAsync() => _frames.SendAsync(StreamFrame.InputEnd, default, _over.Token);

    public override async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _incoming.Reader.CompleteAsync();
        await _frames.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task ListenAsync()
    {
        var ended = false;
        Exception? why = null;
        try
        {
            await _frames.ReadAsync(async (kind, bytes) =>
            {
                if (kind == StreamFrame.Result)
                {
                    ended = StreamResult.Read(bytes.Span) == 0;
                    return false;
                }
                return !(await _incoming.Writer.WriteAsync(bytes, _over.Token)).IsCompleted;
            }, _over.Token);
            why = ended ? null : new IOException("the connection to the node ended");
        }
        catch (Exception e) when (e is ApiException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            why = ended ? null : e as IOException ?? new IOException(e.Message, e);
        }
        await _incoming.Writer.CompleteAsync(why);
    }
}
