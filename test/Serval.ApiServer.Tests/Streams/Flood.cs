namespace Serval.ApiServer.Tests.Streams;

/// <summary>A connection on which WebSocket messages for channel 0 come without end.</summary>
internal sealed class Flood : MemoryStream
{
    private const int Payload = 125;
    private static readonly byte[] s_frame = [0x82, 0x80 | Payload, 0, 0, 0, 0, .. new byte[Payload]]; // binary, whole, masked with zeros

    public long Taken { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < buffer.Length; i++)
        {
            buffer.Span[i] = s_frame[Taken++ % s_frame.Length];
        }
        return ValueTask.FromResult(buffer.Length);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
}
