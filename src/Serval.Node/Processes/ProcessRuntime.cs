using System.Text;
using Serval.Images;
using Serval.Node.Containers;
using Serval.Node.Network;
using Serval.Node.Resources;
using Serval.Node.Volumes;

namespace Serval.Node.Processes;

/// <summary>A container ready to be started.</summary>
internal sealed record ContainerLaunch
{
    public required string PodUid { get; init; }
    public required string Name { get; init; }
    public required ContainerCommand Command { get; init; }
    public required ImageRoot Image { get; init; }
    public required string LogPath { get; init; }

    /// <summary>Null runs it as this process' user.</summary>
    public ContainerUser? User { get; init; }

    /// <summary>Null allows it what this process may do.</summary>
    public ContainerPrivileges? Privileges { get; init; }

    /// <summary>Null when the container has the machine's name.</summary>
    public string? HostName { get; init; }

    /// <summary>The file behind the container's terminationMessagePath; null when it has none.</summary>
    public string? TerminationMessage { get; init; }

    /// <summary>Null when there are none.</summary>
    public ControlGroup? Group { get; init; }

    /// <summary>Null when the container is in the machine's network.</summary>
    public NetworkNamespace? Network { get; init; }

    /// <summary>Null when the container sees the machine's file system as it is.</summary>
    public MountPlan? Mounts { get; init; }

    /// <summary>The same in a control group, which it ends with.</summary>
    public ContainerLaunch In(ControlGroup? group) => group is null ? this : this with { Group = group, Mounts = Mounts is null ? null : Mounts with { Groups = group.Directories } };
}

/// <summary>Runs containers as processes of this machine.</summary>
internal sealed class ProcessRuntime(ExitWatcher exits, ProcessJournal journal)
{
    private const uint LogMode = 0x1A0; // rw-r-----

    /// <summary>
    /// Starts a container. <paramref name="exited"/> may run before this returns. Throws <see cref="ContainerConfigException"/>,
    /// <see cref="SpawnException"/>, or <see cref="OperationCanceledException"/> when the node ends all processes.
    /// </summary>
    /// <param name="console">Makes its streams when someone is to talk with it, given the log's descriptor.</param>
    public ChildProcess Start(ContainerLaunch launch, Action<ExitStatus> exited, Func<int, ChildStreams>? console = null)
    {
        var log = -1;
        ChildStreams? streams = null;
        try
        {
            log = OpenLog(launch.LogPath, launch.User);
            streams = console?.Invoke(log);
            return journal.Spawn(() => exits.Watch(
                Spawn(launch, Request(launch, log), launch.Mounts is { } plan ? () => MountNamespace.Enter(plan) : null, streams),
                started: child => journal.Started(child, launch.PodUid, launch.Name),
                exited: (child, status) =>
                {
                    exited(status with { OutOfMemory = launch.Group?.RanOutOfMemory() == true });
                    journal.Ended(child);
                    launch.Group?.Dispose();
                }));
        }
        catch
        {
            launch.Group?.Dispose();
            streams?.Dispose();
            throw;
        }
        finally
        {
            streams?.CloseChildEnds();
            _ = Libc.close(log);
        }
    }

    /// <summary>
    /// Starts a command beside a running container: in its namespaces and group, with its user, rights and environment. Failures are those of
    /// <see cref="Start"/>.
    /// </summary>
    public ChildProcess StartBeside(
        ContainerLaunch launch, ChildProcess container, IReadOnlyList<string> command, ChildStreams streams, Action<ExitStatus> exited)
    {
        try
        {
            var request = Request(launch, log: -1) with { Program = Find(launch, container, command[0]), Arguments = command };
            if (streams.IsTerminal && !launch.Command.Environment.ContainsKey("TERM"))
            {
                request = request with { Environment = [.. request.Environment, "TERM=xterm"] };
            }
            return journal.Spawn(() => exits.Watch(
                Spawn(launch with { HostName = null }, request, launch is { HostName: null, Mounts: null } ? null : () => Join(launch, container), streams),
                started: child => journal.Started(child, launch.PodUid, launch.Name),
                exited: (child, status) =>
                {
                    exited(status);
                    journal.Ended(child);
                }));
        }
        finally
        {
            streams.CloseChildEnds();
        }
    }

    /// <summary>Runs a command beside a running container until it ends or is cancelled.</summary>
    public async Task<ExitStatus> ExecAsync(
        ContainerLaunch launch, ChildProcess container, IReadOnlyList<string> command, string outputPath, CancellationToken ct)
    {
        var done = new TaskCompletionSource<ExitStatus>(TaskCreationOptions.RunContinuationsAsynchronously);
        var log = OpenLog(outputPath, launch.User);
        ChildProcess process;
        try
        {
            using var streams = ChildStreams.Pipes(stdin: false, stdout: false, stderr: false, log);
            process = StartBeside(launch, container, command, streams, done.SetResult);
        }
        finally
        {
            _ = Libc.close(log);
        }
        await using var registration = ct.Register(static p => ((ChildProcess)p!).KillSession(), process);
        var status = await done.Task;
        ct.ThrowIfCancellationRequested();
        return status;
    }

    /// <summary>Runs something on a thread of its own, which then ends: its namespaces must not serve anyone else.</summary>
    public static T OnOwnThread<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>();
        var thread = new Thread(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }, maxStackSize: 256 * 1024) { IsBackground = true, Name = "serval-node-spawn" };
        thread.Start();
        return done.Task.GetAwaiter().GetResult();
    }

    // A view, a network, a group, a name and another user are those of the thread that spawns.
    private static int Spawn(ContainerLaunch launch, SpawnRequest request, Func<ChildRoot?>? enter, ChildStreams? streams) =>
        enter is null && request is { User: null, Privileges: null } && launch is { Network: null, HostName: null, Group: null }
            ? ProcessSpawner.Spawn(streams?.Apply(request, root: null) ?? request)
            : OnOwnThread(() =>
            {
                launch.Network?.Enter();
                using var door = launch.Group?.OpenDoor(launch.User, ProcessSpawner.CanStartInGroup); // before what is seen of the files changes
                if (launch.HostName is { } name)
                {
                    SetHostName(name);
                }
                var root = enter?.Invoke();
                request = streams?.Apply(request, root) ?? request;
                door?.Enter(); // last: what a view costs is not the container's
                var pid = ProcessSpawner.Spawn(request with { Group = door?.Directory ?? -1 }, root);
                Add(door, pid);
                return pid;
            });

    private static void Add(GroupDoor? door, int pid)
    {
        try
        {
            door?.Add(pid);
        }
        catch
        {
            new ChildProcess(pid, startTicks: 0).Reap(); // nobody watches it yet
            throw;
        }
    }

    private static unsafe void SetHostName(string name)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(name))
        {
            if (Libc.unshare(Libc.CLONE_NEWUTS) != 0 || Libc.sethostname(text, (nuint)Encoding.UTF8.GetByteCount(name)) != 0)
            {
                throw new SpawnException($"cannot give the container its name {name}: {Libc.LastErrorText()}");
            }
        }
    }

    private static ChildRoot? Join(ContainerLaunch launch, ChildProcess container)
    {
        if (launch.HostName is not null)
        {
            var names = Libc.open($"/proc/{container.Pid}/ns/uts", Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
            var joined = container.IsHere && Libc.setns(names, Libc.CLONE_NEWUTS) == 0;
            _ = Libc.close(names);
            if (!joined)
            {
                throw new SpawnException("the container has ended");
            }
        }
        return launch.Mounts is null ? null : MountNamespace.Join(container);
    }

    private static SpawnRequest Request(ContainerLaunch launch, int log)
    {
        var command = launch.Command;
        var root = launch.Mounts?.ImageRoot;
        return new SpawnRequest
        {
            Program = root is null ? command.Program : Below(root, command.Program),
            Arguments = command.Arguments,
            Environment = [.. command.Environment.Select(p => p.Key + "=" + p.Value)],
            WorkingDirectory = root is null ? command.WorkingDirectory : Below(root, command.WorkingDirectory),
            Output = log,
            User = launch.User,
            Privileges = launch.Privileges,
        };
    }

    // A container with a root of its own is looked at through it: what it or a volume put there counts, the machine's programs do not.
    private static string Find(ContainerLaunch launch, ChildProcess container, string name)
    {
        var command = launch.Command;
        if (launch.Mounts?.ImageRoot is not { } image)
        {
            return command.FindForExec(name, launch.Image.RootDirectory, command.WorkingDirectory, alone: false);
        }
        var root = $"/proc/{container.Pid}/root";
        return Below(root, command.FindForExec(name, root, root + Below(image, command.WorkingDirectory), alone: true));
    }

    private static string Below(string root, string path) => path.Length == root.Length ? "/" : path[root.Length..];

    private static int OpenLog(string path, ContainerUser? user)
    {
        var fd = Libc.open(path, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_APPEND | Libc.O_CLOEXEC, LogMode);
        if (fd < 0)
        {
            throw new SpawnException($"cannot open the log file {path}: {Libc.LastErrorText()}");
        }
        if (user is not null)
        {
            _ = Libc.fchown(fd, user.Uid, user.Gid); // a program may open /dev/stdout anew
        }
        return fd;
    }
}
