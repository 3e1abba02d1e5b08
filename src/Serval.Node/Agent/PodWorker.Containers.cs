using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;
using Serval.Node.Logs;
using Serval.Node.Names;
using Serval.Node.Processes;
using Serval.Node.Resources;
using Serval.Node.Volumes;

namespace Serval.Node.Agent;

// Starting containers, and what happens when they end.
internal sealed partial class PodWorker
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_longestRetry = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(1);

    private bool IsFinished => PodStatusBuilder.Phase(_slots, _pod.Spec.RestartPolicy, _failure) is "Succeeded" or "Failed";

    /// <summary>Starts every container whose turn it is: init containers one after the other, then all others.</summary>
    private void StartDue()
    {
        if (_stopping || _failure is not null || IsFinished)
        {
            return;
        }
        foreach (var slot in _added.Where(s => s is { Starting: false, Phase: ContainerPhase.Waiting }))
        {
            Open(slot);
        }
        foreach (var slot in _slots)
        {
            if (!slot.Starting && slot.Phase == ContainerPhase.Waiting)
            {
                Open(slot);
            }
            if (slot.IsInit && !slot.LetsOn)
            {
                return;
            }
        }
    }

    private void Open(ContainerSlot slot)
    {
        if (_failure is not null)
        {
            return;
        }
        slot.Starting = true;
        var image = OpenImages(slot);
        if (image.IsCompletedSuccessfully)
        {
            Launch(slot, image.Result);
        }
        else
        {
            _ = AwaitImageAsync(slot, slot.Spec, image);
        }
    }

    // What its volumes need first: what is missing is named either way.
    private ValueTask<ImageRoot> OpenImages(ContainerSlot slot)
    {
        var volumes = _pod.Spec.Volumes.Where(v => v.Image is not null && slot.Spec.VolumeMounts.Any(m => m.Name == v.Name)).ToList();
        var tokens = _tokens.RenewAsync(_stop);
        return volumes.Count == 0 && tokens.IsCompletedSuccessfully ? _node.Images.OpenAsync(slot.Spec.Image, _stop) : OpenAllAsync();

        async ValueTask<ImageRoot> OpenAllAsync()
        {
            await tokens;
            foreach (var volume in volumes)
            {
                _volumes.UseImage(volume, await _node.Images.OpenAsync(volume.Image!.Reference, _stop));
            }
            return await _node.Images.OpenAsync(slot.Spec.Image, _stop);
        }
    }

    private async Task AwaitImageAsync(ContainerSlot slot, Container spec, ValueTask<ImageRoot> image)
    {
        try
        {
            var root = await image;
            Post(While(slot, spec, () => Launch(slot, root)));
        }
        catch (OperationCanceledException)
        {
            // The pod stops.
        }
        catch (ImageException e)
        {
            var reason = spec.ImagePullPolicy == "Never" ? "ErrImageNeverPull" : "ImagePullBackOff";
            Post(While(slot, spec, () => FailToOpen(slot, reason, e.Message)));
        }
        catch (Exception e)
        {
            Post(While(slot, spec, () => FailToOpen(slot, "ImagePullBackOff", $"image {spec.Image} could not be opened: {e.Message}")));
        }
    }

    private void FailToOpen(ContainerSlot slot, string reason, string message)
    {
        if (!_stopping)
        {
            TellImageMissing(slot, reason, message);
            FailToStart(slot, reason, message);
        }
    }

    private void Launch(ContainerSlot slot, ImageRoot image)
    {
        if (_stopping || _failure is not null || (slot.IsSidecar && IsFinished))
        {
            return;
        }
        TellPulled(slot);
        try
        {
            var launch = Prepare(slot, image);
            launch = launch.In(_node.Groups?.Create(GroupLimits.Of(slot.Spec)));
            var run = new CancellationTokenSource();
            ChildStreams? streams = null;
            slot.Begin(_node.Runtime.Start(
                launch, status => Post(() => Exited(slot, run, status)), slot.Spec is { Stdin: false, Tty: false } ? null : log => streams = StreamsOf(slot, log)), launch, run);
            slot.Console = streams is null ? null : new ContainerConsole(streams, launch.LogPath);
        }
        catch (OperationCanceledException)
        {
            return; // the whole program ends at once
        }
        catch (ContainerConfigException e)
        {
            // A spec that refers to something missing is tried again when that appears; anything else after a while.
            slot.WaitsForReference = e.Reason == ContainerConfigException.CreateContainerConfigError;
            TellCannotStart(slot, e);
            FailToStart(slot, e.Reason, e.Message);
            return;
        }
        catch (Exception e)
        {
            TellCannotStart(slot, e);
            FailToStart(slot, ContainerConfigException.CreateContainerError, e.Message);
            return;
        }
        Spawned(slot, image);
    }

    private ContainerLaunch Prepare(ContainerSlot slot, ImageRoot image)
    {
        var environment = ContainerEnvironment.Build(_pod, slot.Spec, Fields(), _references, _ports!.Map, _node.Api(_node.Address));
        var user = UserOf(slot, image);
        var command = ContainerCommand.Resolve(slot.Spec, image, environment, PodHosts.Name(_pod), Environment.GetEnvironmentVariable, user);
        var root = command.NeedsRoot && _node.MountsAllowed ? image.RootDirectory : null;
        var binds = _volumes.Prepare(SubPaths.Expand(slot.Spec, environment), Payload(), ownView: root is not null).ToList();
        WatchTokens();
        var own = NodePaths.Container(_directory, slot.Spec.Name);
        Directory.CreateDirectory(own);
        var etc = EtcFiles(ownRoot: root is not null);
        var message = PrepareMessage(slot, ownDevices: root is not null);
        if (message is not null)
        {
            binds.Add(new BindMount(message, slot.Spec.TerminationMessagePath, ReadOnly: false));
        }
        return new ContainerLaunch
        {
            PodUid = _uid,
            Name = slot.Spec.Name,
            Command = command,
            Image = image,
            User = user,
            Privileges = ContainerPrivileges.Of(slot.Spec.SecurityContext, _node.UsersAllowed && Capabilities.HasBounds()),
            HostName = _node.MountsAllowed ? PodHosts.Name(_pod) : null,
            TerminationMessage = message,
            Network = _network?.Handle,
            LogPath = NodePaths.Log(_directory, slot.Spec.Name, slot.RestartCount),
            Mounts = binds.Count == 0 && etc.Count == 0 && root is null
                ? null
                : new MountPlan
                {
                    ImageRoot = root, Scratch = own, Base = _node.Paths.View, Binds = binds, BaseNamespace = _volumes.Namespace,
                    ReadOnlyRoot = slot.Spec.SecurityContext.ReadOnlyRootFilesystem == true, EtcFiles = etc,
                },
        };
    }

    private ContainerUser? UserOf(ContainerSlot slot, ImageRoot image)
    {
        ContainerUser.VerifyNonRoot(_pod, slot.Spec, image, _node.UsersAllowed ? null : Libc.geteuid());
        if (_node.UsersAllowed)
        {
            return ContainerUser.Resolve(_pod, slot.Spec, image);
        }
        TellUserNotHonoured(slot, ContainerUser.NotHonoured(_pod, slot.Spec, image, Libc.geteuid()));
        return null;
    }

    private void Spawned(ContainerSlot slot, ImageRoot image)
    {
        slot.StartedAt = _node.Time.GetUtcNow();
        slot.ImageDigest = image.Digest;
        slot.StartRetry = TimeSpan.Zero;
        slot.KilledBecause = "";
        slot.NotReadyMessage = "";
        if (slot.Spec.Lifecycle?.PostStart is { } hook)
        {
            _ = PostStartAsync(slot, hook, slot.Run!.Token);
        }
        else
        {
            Running(slot);
        }
        MarkDirty(now: false);
        TellStarted(slot);
        slot.Log = _node.Logs.Track(slot.Launch!.LogPath);
        DeleteOldLogs(slot);
        Log.Started(_node.Logger, _key, slot.Spec.Name, slot.Process!.Pid);
    }

    private void Running(ContainerSlot slot)
    {
        slot.Starting = false;
        slot.Phase = ContainerPhase.Running;
        if (slot.IsEphemeral)
        {
            MarkDirty(now: true); // whoever added it waits to attach
        }
        else
        {
            BeginProbes(slot);
        }
    }

    // The present run's log and the one before stay, as kubelet keeps them.
    private void DeleteOldLogs(ContainerSlot slot)
    {
        if (slot.RestartCount >= 2)
        {
            var old = NodePaths.Log(_directory, slot.Spec.Name, slot.RestartCount - 2);
            File.Delete(old);
            File.Delete(LogIndex.PathOf(old));
        }
    }

    private static ChildStreams StreamsOf(ContainerSlot slot, int log) =>
        slot.Spec.Tty ? ChildStreams.Terminal() : ChildStreams.Pipes(stdin: true, stdout: false, stderr: false, log);

    // What a program's last words went through is read to its end first.
    private void Exited(ContainerSlot slot, CancellationTokenSource run, ExitStatus status)
    {
        if (slot.Console is not { } console)
        {
            Ended(slot, run, status);
            return;
        }
        slot.Console = null;
        _ = CloseAsync();

        async Task CloseAsync()
        {
            await console.Drained.WaitAsync(s_lastWords, _node.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // a stranger may hold it open
            await console.DisposeAsync();
            Post(() => Ended(slot, run, status));
        }
    }

    private void Ended(ContainerSlot slot, CancellationTokenSource run, ExitStatus status)
    {
        var now = _node.Time.GetUtcNow();
        var exitCode = status.ExitCode;
        slot.Terminated = new Termination(
            exitCode, status.Signal, exitCode == 0 ? "Completed" : status.OutOfMemory ? "OOMKilled" : "Error", _stopping ? "" : LastWords(slot, exitCode), slot.StartedAt, now);
        slot.Phase = ContainerPhase.Terminated;
        slot.Process = null;
        slot.Ready = slot.Started = slot.Starting = false;
        _ = run.CancelAsync(); // what this sets off must not keep the end from being noted
        CloseLog(slot);
        slot.Exit!.TrySetResult();
        Log.Ended(_node.Logger, _key, slot.Spec.Name, exitCode);
        UpdateReady();
        if (_stopping)
        {
            return;
        }
        if (Renew(slot) || Restarts(slot))
        {
            Restart(slot);
        }
        StartDue();
        if (IsFinished)
        {
            EndSidecars();
        }
        MarkDirty(now: true);
    }

    // Where the container has the machine's root, all of its files but the resolvers the pod asks for.
    private IReadOnlyDictionary<string, string> EtcFiles(bool ownRoot)
    {
        if (!ownRoot && !(_node.MountsAllowed && (_node.NameServer is not null || _pod.Spec.DnsConfig is not null || _pod.Spec.DnsPolicy == "None")))
        {
            return new Dictionary<string, string>();
        }
        var resolver = ResolverFile.ForPod(_pod.Spec, _key.Namespace, ResolverFile.ReadMachine(), _node.NameServer);
        return ownRoot
            ? PodHosts.EtcFiles(_pod, Address, resolver)
            : new Dictionary<string, string> { [ResolverFile.Name] = resolver.ToString() };
    }

    // The default path is in the machine's /dev where the container has none of its own: without a file the log speaks, whatever the policy.
    private string? PrepareMessage(ContainerSlot slot, bool ownDevices)
    {
        var path = slot.Spec.TerminationMessagePath;
        if (path.Length == 0 || !_node.MountsAllowed || (!ownDevices && path == "/dev/termination-log"))
        {
            return null;
        }
        var file = NodePaths.TerminationMessage(_directory, slot.Spec.Name);
        File.WriteAllText(file, "");
        File.SetUnixFileMode(file, (UnixFileMode)0x1B6); // rw-rw-rw-, as kubelet's: any user of the container may write
        return file;
    }

    /// <summary>The message of a container that ended (core/v1 terminationMessagePolicy).</summary>
    private static string LastWords(ContainerSlot slot, int exitCode)
    {
        var launch = slot.Launch!;
        var own = launch.TerminationMessage is { } file ? LogTail.ReadMessage(file) : "";
        if (own.Length > 0 || slot.KilledBecause.Length > 0)
        {
            return own.Length > 0 ? own : slot.KilledBecause;
        }
        var logSpeaks = launch.TerminationMessage is null || slot.Spec.TerminationMessagePolicy == "FallbackToLogsOnError";
        return logSpeaks && exitCode != 0 ? LogTail.Read(launch.LogPath) : "";
    }

    private void CloseLog(ContainerSlot slot)
    {
        try
        {
            slot.Log?.Dispose();
        }
        catch (Exception e)
        {
            Log.Failed(_node.Logger, e, _key);
        }
    }

    private bool Restarts(ContainerSlot slot) => !slot.IsEphemeral && _failure is null && (slot.IsSidecar ? !IsFinished : _pod.Spec.RestartPolicy switch
    {
        "Never" => false,
        "OnFailure" => !slot.Succeeded,
        _ => !slot.IsInit || !slot.Succeeded,
    });

    private void Restart(ContainerSlot slot)
    {
        var end = slot.Terminated!;
        var wait = slot.BackOff.Ended(_node.Time);
        slot.LastTerminated = end;
        slot.Phase = ContainerPhase.Waiting;
        slot.Starting = true;
        if (wait == TimeSpan.Zero)
        {
            Again(slot);
            return;
        }
        TellBackOff(slot);
        slot.WaitingReason = "CrashLoopBackOff";
        slot.WaitingMessage =
            $"back-off {Text(slot.BackOff.Current)} restarting failed container={slot.Spec.Name} pod={_key.Name}_{_key.Namespace}({_uid})";
        After(wait, While(slot, slot.Spec, () => Again(slot)));
    }

    private void Again(ContainerSlot slot)
    {
        if (slot.Phase != ContainerPhase.Waiting || slot.Process is not null)
        {
            return; // the pod ended while it backed off
        }
        slot.BackOff.Restarted(_node.Time);
        slot.RestartCount++;
        slot.Terminated = null;
        Open(slot);
    }

    private void FailToStart(ContainerSlot slot, string reason, string message)
    {
        if (_stopping)
        {
            return;
        }
        Log.CannotStart(_node.Logger, _key, slot.Spec.Name, reason, message);
        Wait(slot, reason, message);
        if (slot.WaitsForReference)
        {
            return;
        }
        slot.StartRetry = NextRetry(slot.StartRetry);
        After(slot.StartRetry, While(slot, slot.Spec, () => Open(slot)));
    }

    private static TimeSpan NextRetry(TimeSpan last) =>
        last == TimeSpan.Zero ? s_firstRetry : last * 2 < s_longestRetry ? last * 2 : s_longestRetry;

    private void Wait(ContainerSlot slot, string reason, string message)
    {
        slot.Phase = ContainerPhase.Waiting;
        slot.WaitingReason = reason;
        slot.WaitingMessage = message;
        MarkDirty(now: true);
    }

    /// <summary>Runs an action on the pod's turn after a time, unless the pod stops first.</summary>
    private void After(TimeSpan wait, Action action) => _ = AfterAsync(wait, action);

    private async Task AfterAsync(TimeSpan wait, Action action)
    {
        try
        {
            await Task.Delay(wait, _node.Time, _stop);
            Post(() =>
            {
                if (!_stopping)
                {
                    action();
                }
            });
        }
        catch (OperationCanceledException)
        {
            // The pod stops.
        }
    }

    private static string Text(TimeSpan wait) =>
        wait.TotalSeconds < 60 ? $"{wait.TotalSeconds:0}s" : $"{(int)wait.TotalMinutes}m{wait.Seconds}s";
}
