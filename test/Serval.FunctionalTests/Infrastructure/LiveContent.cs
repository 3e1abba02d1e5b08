using System.Net;

namespace Serval.Testing;

/// <summary>A request body that is written while the answer is read.</summary>
internal sealed class LiveContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var stream = await _stream.Task;
        await stream.WriteAsync(bytes);
        await stream.FlushAsync();
    }

    internal void End() => _end.SetResult();

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _stream.SetResult(stream);
        return _end.Task.WaitAsync(cancellationToken); // the client says that it leaves when this ends
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
