using System.Threading.Channels;
using Serval.Kube;

namespace Serval.Node.Processes;

/// <summary>Carries bytes between a client and a child, as fast as the slower of the two takes them.</summary>
internal sealed class StreamPumps(ChildStreams child, RemoteStreams remote)
{
    private const int ChunkSize = 32 * 1024;

    /// <summary>Runs until the child has ended and all it wrote is with the client, or the client has gone. Returns the exit code.</summary>
    public async Task<int> RunAsync(Task<int> ended, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var input = CopyInputAsync(over.Token);
        var sizes = ResizeAsync(child, remote.Sizes, over.Token);
        try
        {
            await Task.WhenAll(CopyAsync(child.Output, remote.Output, over.Token), CopyAsync(child.Error, remote.Error, over.Token));
            return await ended.WaitAsync(ct);
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(input, sizes).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public static async Task ResizeAsync(ChildStreams child, ChannelReader<TerminalSize> sizes, CancellationToken ct)
    {
        await foreach (var size in sizes.ReadAllAsync(ct))
        {
            child.Resize(size);
        }
    }

    /// <summary>Copies one way; what nobody wants is read all the same, so that the child is not held up.</summary>
    public static async Task CopyAsync(Stream? from, Stream? to, CancellationToken ct)
    {
        if (from is null)
        {
            return;
        }
        var chunk = new byte[ChunkSize];
        for (int read; (read = await from.ReadAsync(chunk, ct)) > 0;)
        {
            if (to is not null)
            {
                await to.WriteAsync(chunk.AsMemory(0, read), ct);
            }
        }
    }

    // A terminal has no end of input but the character for it: it stays open for what the program writes.
    private async Task CopyInputAsync(CancellationToken ct)
    {
        if (child.Input is not { } input)
        {
            return;
        }
        try
        {
            await CopyAsync(remote.Input, input, ct);
        }
        catch (IOException)
        {
            // The program reads no more: its exit code will say what it thought of that.
        }
        if (!child.IsTerminal)
        {
            await input.DisposeAsync();
        }
    }
}
