using System.Net.Sockets;
using System.Threading.Channels;
using Serval.Api;
using Serval.Kube;
using Serval.Node.Containers;
using Serval.Node.Logs;
using Serval.Node.Probes;
using Serval.Node.Processes;
using Serval.Node.Sockets;

namespace Serval.Node.Agent;

// Commands beside a container's program, and talks with that itself. Messages are kubelet's, which kubectl shows.
internal sealed partial class PodWorker
{
    /// <summary>Most commands at a time in one pod, those whose client has gone included.</summary>
    private const int MostCommands = 100;

    private int _commands;

    /// <summary>A command beside a container. Any thread.</summary>
    public async Task<RemoteProgram> ExecAsync(ExecOptions options)
    {
        var (_, run) = await OnTurnAsync(() => RunningContainerOf(options.Container));
        return (streams, ct) => ExecAsync(run, options, streams, ct);
    }

    /// <summary>A container's own program. Any thread.</summary>
    public async Task<RemoteProgram> AttachAsync(ExecOptions options)
    {
        var (slot, run) = await OnTurnAsync(() => RunningContainerOf(options.Container));
        var (console, path, log) = (slot.Console, run.Launch.LogPath, slot.Log);
        return (streams, ct) => AttachAsync(slot.Spec.StdinOnce, run, console, new LogReader(path, log, _node.Time), streams, ct);
    }

    private (ContainerSlot Slot, ContainerRun Run) RunningContainerOf(string container)
    {
        var slot = SlotOf(container);
        return slot is { Process: { } process, Launch: { } launch, Exit: { } exit }
            ? (slot, new ContainerRun(process, launch, exit.Task))
            : throw ApiException.BadRequest($"container {slot.Spec.Name} of pod {_key.Name} is not running");
    }

    private async Task<int> ExecAsync(ContainerRun run, ExecOptions options, RemoteStreams remote, CancellationToken ct)
    {
        var ended = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var streams = Begin(run, options, remote.Sizes, status => ended.TrySetResult(status.ExitCode), out var process);
        _ = EndWithContainerAsync();
        return await new StreamPumps(streams, remote).RunAsync(ended.Task, ct);

        async Task EndWithContainerAsync()
        {
            if (await Task.WhenAny(ended.Task, run.Exit) == run.Exit)
            {
                process.KillSession();
            }
            await ended.Task;
            Interlocked.Decrement(ref _commands);
        }
    }

    private ChildStreams Begin(ContainerRun run, ExecOptions options, ChannelReader<TerminalSize> sizes, Action<ExitStatus> ended, out ChildProcess process)
    {
        ChildStreams? streams = null;
        var begun = false;
        try
        {
            if (Interlocked.Increment(ref _commands) > MostCommands)
            {
                throw new SpawnException($"{MostCommands} commands run in pod {_key.Name} already; end some, or try again");
            }
            streams = options.Tty ? ChildStreams.Terminal() : ChildStreams.Pipes(options.Stdin, options.Stdout, options.Stderr);
            while (sizes.TryRead(out var size))
            {
                streams.Resize(size); // the program finds the client's size, and is not told of a change at once
            }
            process = _node.Runtime.StartBeside(run.Launch, run.Process, options.Command, streams, ended);
            begun = true;
            return streams;
        }
        catch (Exception e) when (e is SpawnException or ContainerConfigException or OperationCanceledException)
        {
            throw new ApiException(500, "InternalError", $"Internal error occurred: error executing command in container: exec: {e.Message}");
        }
        finally
        {
            if (!begun)
            {
                Interlocked.Decrement(ref _commands);
                streams?.Dispose();
            }
        }
    }

    // What the program writes is in its log, whoever reads along.
    private static async Task<int> AttachAsync(
        bool once, ContainerRun run, ContainerConsole? console, LogReader log, RemoteStreams remote, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reading = (remote.Output ?? remote.Error) is { } output
            ? log.CopyAsync(new LogOptions { Follow = true, TailLines = 0 }, output, over.Token)
            : run.Exit.WaitAsync(over.Token);
        var writing = console is null || remote.Input is null ? Task.CompletedTask : console.CopyInputAsync(remote.Input, once, over.Token);
        var resizing = console is null ? Task.CompletedTask : StreamPumps.ResizeAsync(console.Streams, remote.Sizes, over.Token);
        try
        {
            await reading;
            return 0;
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(writing, resizing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A connection to a port, as the pod's containers number them. Any thread.</summary>
    public async Task<Stream> DialAsync(int port, CancellationToken ct)
    {
        try
        {
            var socket = _network is { } network
                ? await network.ConnectAsync(port, ct)
                : await new ProbeTarget(NodeServices.Loopback, OwnPort(port)).ConnectAsync(ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e) when (e is SocketException or UnauthorizedAccessException)
        {
            throw new IOException($"failed to connect to port {port} of pod {_key.Name}: {e.Message}", e);
        }
    }

    // In the machine's network, what others listen on is none of the pod's, nor is what has the number of a leader that ended meanwhile.
    private int OwnPort(int port)
    {
        var mapped = _ports?.Map.GetValueOrDefault(port, port) ?? port;
        return All.Any(s => s.Process is { } leader && InstanceSockets.Listening(leader.Pid, pod: null).Any(l => l.Port == mapped) && leader.IsHere)
            ? mapped
            : throw new SocketException((int)SocketError.ConnectionRefused);
    }

    /// <summary>Asks something of the pod on its own turn. Any thread.</summary>
    private async Task<T> OnTurnAsync<T>(Func<T> ask)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                answer.SetResult(ask());
            }
            catch (Exception e) when (e is ApiException or IOException or UnauthorizedAccessException)
            {
                answer.SetException(e);
            }
        });
        await Task.WhenAny(answer.Task, _finished.Task);
        return answer.Task.IsCompleted ? await answer.Task : throw ApiException.NotFound(Kinds.Pod, _key.Name);
    }

    private ContainerSlot SlotOf(string container)
    {
        var main = _slots.Where(s => !s.IsInit).ToList();
        if (container.Length == 0 && main.Count > 1)
        {
            throw ApiException.BadRequest(
                $"a container name must be specified for pod {_key.Name}, choose one of: [{string.Join(' ', main.Select(s => s.Spec.Name))}]");
        }
        return container.Length == 0 ? main[0] : All.FirstOrDefault(s => s.Spec.Name == container)
            ?? throw ApiException.BadRequest($"container {container} is not valid for pod {_key.Name}");
    }

    private sealed record ContainerRun(ChildProcess Process, ContainerLaunch Launch, Task Exit);
}
