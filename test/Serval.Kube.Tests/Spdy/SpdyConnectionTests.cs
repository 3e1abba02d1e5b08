using System.IO.Pipelines;
using Serval.Kube.Spdy;
using Serval.Kube.Streams;

namespace Serval.Kube.Tests.Spdy;

public sealed class SpdyConnectionTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("ffff000100000000")] // another version
    [InlineData("8003000100000002aaaa")] // a stream without numbers
    [InlineData("80030001000000100000000200000000000078f9e3c6a7c2")] // a number that is the server's
    [InlineData("8003000600000001aa")] // a ping without its number
    [InlineData("0000000100200000")] // two megabytes
    [InlineData("8003000800000004000000010000")] // headers that end at once
    public async Task Frame_ThatIsWrong_EndsTheConnection(string bytes)
    {
        using var limit = new IdleLimit(TimeProvider.System, CancellationToken.None);
        var transport = new Recorded(Convert.FromHexString(bytes));
        await Assert.ThrowsAsync<SpdyException>(() => new SpdyConnection(transport, limit, _ => true, _ => { }).RunAsync().WaitAsync(s_patience));
    }

    [Theory]
    [InlineData("")]
    [InlineData("8003")]
    [InlineData("8003006300000002abcd")] // a type nobody knows
    [InlineData("0000000700000002abcd")] // data for a stream that is not open
    [InlineData("8003000300000008000000070000000580030004000000040000000080030009000000080000000100000001")] // reset, settings, window
    public async Task Frame_ThatMeansNothing_IsPassedOver(string bytes)
    {
        using var limit = new IdleLimit(TimeProvider.System, CancellationToken.None);
        await new SpdyConnection(new Recorded(Convert.FromHexString(bytes)), limit, _ => true, _ => { }).RunAsync().WaitAsync(s_patience);
    }

    [Fact]
    public async Task Streams_BeyondTheLimit_AreRefused()
    {
        using var limit = new IdleLimit(TimeProvider.System, CancellationToken.None);
        var (near, far) = Pair();
        var opened = new List<SpdyStream>();
        var running = new SpdyConnection(near, limit, _ => true, opened.Add).RunAsync();
        await using var client = new SpdyClient(far);
        for (var i = 0; i < 256; i++)
        {
            await client.OpenAsync(("a", "b"));
        }
        var one = await client.OpenAsync(("a", "b"));
        await client.UntilAsync(() => client.Reset.Contains(one));

        // One that is over on both sides makes room.
        await client.WriteAsync(1, "", last: true);
        Assert.Equal(0, await opened[0].ReadAsync(new byte[1]));
        await opened[0].DisposeAsync();
        var next = await client.OpenAsync(("a", "b"));
        await client.UntilAsync(() => client.Replied.Contains(next));

        await client.DisposeAsync();
        await running.WaitAsync(s_patience);
        await Assert.ThrowsAsync<IOException>(async () => await opened[^1].ReadExactlyAsync(new byte[1]));
    }

    [Fact]
    public async Task Stream_ThatIsReset_IsReadAndWrittenNoMore()
    {
        using var limit = new IdleLimit(TimeProvider.System, CancellationToken.None);
        var (near, far) = Pair();
        var opened = new TaskCompletionSource<SpdyStream>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = new SpdyConnection(near, limit, _ => true, opened.SetResult).RunAsync();
        await using var client = new SpdyClient(far);
        var id = await client.OpenAsync(("a", "b"));
        var stream = await opened.Task;

        await client.SendAsync(0x80030003, 0, [.. SpdyClient.Number(id), .. SpdyClient.Number(5)]);

        await Assert.ThrowsAsync<IOException>(async () => await stream.ReadExactlyAsync(new byte[1]));
        await Assert.ThrowsAsync<IOException>(async () => await stream.WriteAsync(new byte[1]));
    }

    private static (Stream Near, Stream Far) Pair()
    {
        var (there, back) = (new Pipe(), new Pipe());
        return (new Duplex(there.Reader.AsStream(), back.Writer.AsStream()), new Duplex(back.Reader.AsStream(), there.Writer.AsStream()));
    }

    private sealed class Duplex(Stream incoming, Stream outgoing) : Serval.Kube.AsyncStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => incoming.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => outgoing.WriteAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            outgoing.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>What a client sent; what is sent to it is dropped.</summary>
    private sealed class Recorded(byte[] bytes) : Serval.Kube.AsyncStream
    {
        private readonly MemoryStream _bytes = new(bytes);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _bytes.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
    }
}
