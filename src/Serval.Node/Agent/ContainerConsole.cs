using Serval.Node.Processes;

namespace Serval.Node.Agent;

/// <summary>The input of a container with <c>stdin: true</c>, and the terminal of one with <c>tty: true</c>, for as long as it runs.</summary>
internal sealed class ContainerConsole : IAsyncDisposable
{
    private const int ChunkSize = 32 * 1024;

    private readonly CancellationTokenSource _over = new();
    private readonly SemaphoreSlim _turn = new(1); // of who writes

    /// <summary>Begins to copy what comes through a terminal to the container's log.</summary>
    public ContainerConsole(ChildStreams streams, string log)
    {
        Streams = streams;
        Drained = streams.IsTerminal ? LogAsync(streams.Output!, log, _over.Token) : Task.CompletedTask;
    }

    public ChildStreams Streams { get; }

    /// <summary>Completes when all that came through the terminal is in the log.</summary>
    public Task Drained { get; }

    /// <summary>Passes a client's input on, until that ends or the container does. It is the program's end of input with <paramref name="once"/> alone.</summary>
    public async Task CopyInputAsync(Stream from, bool once, CancellationToken ct)
    {
        if (Streams.Input is not { } input)
        {
            return;
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _over.Token);
        try
        {
            var chunk = new byte[ChunkSize];
            for (int read; (read = await from.ReadAsync(chunk, either.Token)) > 0;)
            {
                await _turn.WaitAsync(either.Token);
                try
                {
                    await input.WriteAsync(chunk.AsMemory(0, read), either.Token);
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        finally
        {
            if (once && !Streams.IsTerminal)
            {
                await CloseAsync(input);
            }
        }
    }

    /// <summary>When the container has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await Drained.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await CloseAsync(Streams);
    }

    private async Task CloseAsync(IDisposable what)
    {
        await _turn.WaitAsync(CancellationToken.None); // a descriptor that somebody waits for is not closed
        what.Dispose();
        _turn.Release();
    }

    private static async Task LogAsync(Stream from, string path, CancellationToken ct)
    {
        await using var log = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var chunk = new byte[ChunkSize];
        for (int read; (read = await from.ReadAsync(chunk, ct)) > 0;)
        {
            try
            {
                await log.WriteAsync(chunk.AsMemory(0, read), ct);
            }
            catch (IOException)
            {
                // A full disk costs lines, as it does where a program writes its log itself; it must not hold the program up.
            }
        }
    }
}
