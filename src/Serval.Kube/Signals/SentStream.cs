namespace Serval.Kube;

/// <summary>A stream whose writes are messages.</summary>
public sealed class SentStream(Func<ReadOnlyMemory<byte>, Task> send) : AsyncStream
{
    public override bool CanRead => false;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await send(buffer);
}
