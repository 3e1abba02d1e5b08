using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Core;
using Serval.Kube;
using Serval.Node.Containers;
using Serval.Node.Logs;
using Serval.Node.Network;
using Serval.Node.Processes;
using Serval.Node.Volumes;

namespace Serval.Node.Agent;

/// <summary>
/// Runs one pod: everything that happens to it is posted to its mailbox and handled one at a time, so the state needs no locks.
/// </summary>
internal sealed partial class PodWorker : IDisposable
{
    private static readonly TimeSpan s_leastTokenAge = TimeSpan.FromSeconds(10); // also between tries when one cannot be had

    private readonly NodeServices _node;
    private readonly Channel<Action> _mailbox = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _life = new(); // ends when the pod is to stop
    private readonly CancellationToken _stop;
    private volatile bool _shuttingDown; // then an object that cannot be deleted is left to the next start
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ObjectKey _key;
    private readonly string _uid;
    private readonly ObjectKey _revision;
    private readonly string _directory;
    private readonly List<ContainerSlot> _slots;
    private readonly PodStatusBuilder _status;
    private readonly PodVolumes _volumes;
    private readonly IReferences _references;
    private readonly PodTokens _tokens;
    private DateTimeOffset _tokensWatched = DateTimeOffset.MaxValue; // when the timer that counts fires
    private int _tokenTimers;
    private readonly bool _wasFinished;
    private volatile HashSet<(string Kind, string Name)> _used = []; // replaced whole on the pod's own turn
    private Pod _pod;
    private PodPorts? _ports;
    private Task<PodNamespace>? _makingNetwork;
    private PodNamespace? _network; // set before any container starts, when the node has networks for pods
    private InstanceState? _published;
    private bool _isSetUp; // it has its ports and its directory, and its network what it asks for
    private TimeSpan _setUpRetry;
    private bool _stopping;
    private bool _done;

    public PodWorker(NodeServices node, KubeObject obj)
    {
        _node = node;
        _pod = obj.As<Pod>();
        _stop = _life.Token;
        _key = obj.Key;
        _uid = obj.Metadata.Uid;
        _revision = new ObjectKey(_key.Namespace, obj.Metadata.Label(NodeServices.RevisionLabel) ?? "");
        _directory = node.Paths.Pod(_key, _uid);
        _status = new PodStatusBuilder(_pod, node.Time.GetUtcNow());
        _volumes = new PodVolumes(_pod, NodePaths.Volumes(_directory), node.MountsAllowed, node.UsersAllowed ? _pod.Spec.SecurityContext.FsGroup : null);
        _references = node.References(_key.Namespace, Use);
        _tokens = new PodTokens(_pod, node.Tokens, _references, node.Accounts, node.Time);
        _wasFinished = _pod.Status.Phase is "Succeeded" or "Failed";
        var first = _pod.Spec.InitContainers.Count > 0 ? "PodInitializing" : "ContainerCreating"; // kubelet_pods.go, convertToAPIContainerStatuses
        _slots =
        [
            .. _pod.Spec.InitContainers.Select(c => new ContainerSlot(c, isInit: true) { WaitingReason = first }),
            .. _pod.Spec.Containers.Select(c => new ContainerSlot(c, isInit: false) { WaitingReason = first }),
        ];
        _requestLog = _revision.Name.Length > 0 && _slots.All(s => s.Spec.Name != RequestLogContainer)
            ? new RequestLogFile(NodePaths.Log(_directory, RequestLogContainer, 0), node.Logs)
            : null;
        _claimsReady = _pod.Status.Conditions.Any(c => c is { Type: "Ready", Status: "True" });
    }

    public ObjectKey Key => _key;

    public string Uid => _uid;

    /// <summary>Completes when nothing of the pod is left on this node.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Begins to run the pod.</summary>
    public void Start()
    {
        _ = Task.Run(RunAsync);
        Post(Begin);
    }

    /// <summary>The object changed.</summary>
    public void Changed(KubeObject obj) => Post(() =>
    {
        var before = _pod.Metadata;
        _pod = obj.As<Pod>();
        if (_pod.Metadata.IsDeleting)
        {
            Stop(GracePeriod(), deleteObject: true);
        }
        else if (!_stopping && !(Same(before.Labels, _pod.Metadata.Labels) && Same(before.Annotations, _pod.Metadata.Annotations)))
        {
            RefreshVolumes(); // the downward API shows them
        }
        if (!_stopping && _isSetUp)
        {
            TakeImages();
            StartAdded();
            if (before.Generation != _pod.Metadata.Generation)
            {
                MarkDirty(now: false); // the status says which it is of
            }
        }
        WatchDeadline();
        if (IsTakenForLost(obj))
        {
            _written = []; // this node was taken for lost: what is, is said again
            MarkDirty(now: true);
        }
    });

    /// <summary>The object is gone: it was deleted by force, or this agent deleted it.</summary>
    public void Removed() => Post(() => Stop(s_forced < GracePeriod() ? s_forced : GracePeriod(), deleteObject: false));

    /// <summary>The agent shuts down: the processes end, the object stays.</summary>
    public Task ShutdownAsync()
    {
        _shuttingDown = true;
        Post(() => Stop(GracePeriod(), deleteObject: false, keep: true));
        return _finished.Task;
    }

    /// <summary>Whether a ConfigMap or Secret of this name has been looked up by the pod. Any thread.</summary>
    public bool Uses(ResourceKind kind, ObjectKey key) => key.Namespace == _key.Namespace && _used.Contains((kind.Kind, key.Name));

    /// <summary>What its processes have used, from /proc; null when none runs. Any thread.</summary>
    public PodUsage? Usage()
    {
        PodUsage? sum = null;
        foreach (var slot in All)
        {
            foreach (var process in slot.Process is { } leader ? ProcFs.Tree(leader.Pid) : [])
            {
                sum = new PodUsage((sum?.Cpu ?? default) + process.Cpu, (sum?.Memory ?? 0) + process.Memory);
            }
        }
        return sum;
    }

    /// <summary>A ConfigMap or Secret the pod uses changed.</summary>
    public void ReferenceChanged() => Post(() =>
    {
        if (_stopping)
        {
            return;
        }
        foreach (var slot in All.Where(s => s.WaitsForReference))
        {
            slot.WaitsForReference = false;
            slot.Starting = false;
        }
        RefreshVolumes();
        StartDue();
    });

    private void RefreshVolumes()
    {
        var renewed = _tokens.RenewAsync(_stop);
        if (renewed.IsCompletedSuccessfully)
        {
            WriteVolumes();
        }
        else
        {
            _ = WriteRenewedAsync(renewed);
        }
    }

    private async Task WriteRenewedAsync(ValueTask renewed)
    {
        try
        {
            await renewed;
        }
        catch (OperationCanceledException)
        {
            return; // the pod stops
        }
        Post(WriteVolumes);
    }

    private void WriteVolumes()
    {
        if (!_volumes.Refresh(Payload()))
        {
            After(s_firstRetry, RefreshVolumes);
        }
        WatchTokens();
    }

    // A token that a running program holds is replaced long before it ends.
    private void WatchTokens()
    {
        if (_tokens.Due is { } due && due < _tokensWatched)
        {
            _tokensWatched = due;
            var timer = ++_tokenTimers;
            var left = due - _node.Time.GetUtcNow();
            After(left > s_leastTokenAge ? left : s_leastTokenAge, () =>
            {
                if (timer == _tokenTimers) // else one that fires earlier took its place
                {
                    _tokensWatched = DateTimeOffset.MaxValue;
                    RefreshVolumes();
                }
            });
        }
    }

    private void Post(Action action) => _mailbox.Writer.TryWrite(action);

    private async Task RunAsync()
    {
        await foreach (var action in _mailbox.Reader.ReadAllAsync())
        {
            try
            {
                action();
                FlushWhenDue();
            }
            catch (Exception e)
            {
                // A defect must not silence the pod for ever: it is logged and the next event is handled.
                Log.Failed(_node.Logger, e, _key);
            }
            if (_done)
            {
                break;
            }
        }
        _node.Finished(_uid);
        Dispose();
        _finished.TrySetResult();
    }

    /// <summary>Called by the pod's own turn when it is over.</summary>
    public void Dispose()
    {
        _life.Dispose();
        _limit?.Dispose();
        _ports?.Dispose();
        _requestLog?.Dispose();
        _volumes.Dispose();
        _network?.Dispose();
        if (_network is null)
        {
            // It is still being made, or came too late to be joined.
            _ = _makingNetwork?.ContinueWith(static made => made.Result.Dispose(), TaskContinuationOptions.OnlyOnRanToCompletion);
        }
    }

    private void Begin()
    {
        if (_pod.Metadata.IsDeleting)
        {
            Stop(GracePeriod(), deleteObject: true);
            return;
        }
        if (_wasFinished)
        {
            return;
        }
        WatchDeadline();
        if (_failure is not null || IsRefused())
        {
            return;
        }
        if (_node.Network is { } networks && _network is null)
        {
            var taken = networks.TakeAsync();
            if (!taken.IsCompletedSuccessfully)
            {
                _ = AwaitNetworkAsync(_makingNetwork = taken.AsTask());
                return;
            }
            _network = taken.Result;
        }
        if (!SetUp())
        {
            return;
        }
        TakeImages(); // those that changed meanwhile
        RestoreCounts();
        if (_claimsReady)
        {
            MarkDirty(now: true); // the last run's processes are gone: nobody should be sent to them
        }
        StartAdded();
        StartDue();
    }

    private bool SetUp()
    {
        try
        {
            _ports ??= new PodPorts(_pod, _network is null ? _node.Ports : null);
            SetSysctls();
            Directory.CreateDirectory(_directory);
            _slots.ForEach(s => s.Starting = false);
            _isSetUp = true;
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            RetrySetUp(e);
            return false;
        }
    }

    private void RetrySetUp(Exception e)
    {
        foreach (var slot in _slots)
        {
            TellCannotStart(slot, e);
            Wait(slot, ContainerConfigException.CreateContainerError, e.Message);
            slot.Starting = true;
        }
        _setUpRetry = NextRetry(_setUpRetry);
        After(_setUpRetry, Begin);
    }

    private async Task AwaitNetworkAsync(Task<PodNamespace> making)
    {
        try
        {
            var made = await making;
            Post(() => Join(made));
        }
        catch (Exception e)
        {
            Post(() =>
            {
                if (!_stopping)
                {
                    RetrySetUp(e);
                }
            });
        }

        void Join(PodNamespace made)
        {
            _network = made;
            if (!_stopping)
            {
                Begin();
            }
        }
    }

    // What an earlier run of the agent started has ended with it; the count says so, as after a restart of a kubelet's machine.
    private void RestoreCounts()
    {
        foreach (var slot in _slots.Where(s => !s.IsInit))
        {
            var known = _pod.Status.ContainerStatuses.FirstOrDefault(c => c.Name == slot.Spec.Name);
            if (known is null)
            {
                continue;
            }
            slot.RestartCount = known.RestartCount;
            if (known.State.Running is { } running)
            {
                var now = _node.Time.GetUtcNow();
                var end = new Termination(
                    137, Libc.SIGKILL, "Error", "Serval stopped while the container ran; its process was ended", running.StartedAt ?? now, now);
                slot.LastTerminated = end;
                slot.RestartCount++;
                if (_pod.Spec.RestartPolicy == "Never")
                {
                    (slot.Phase, slot.Terminated, slot.LastTerminated) = (ContainerPhase.Terminated, end, null);
                    slot.RestartCount--;
                    slot.Starting = true;
                    MarkDirty(now: true);
                }
            }
            else if (known.State.Terminated is { } ended || (known.LastState.Terminated is { } last && (ended = last) is not null))
            {
                var end = new Termination(
                    ended.ExitCode, ended.Signal, ended.Reason, ended.Message, ended.StartedAt ?? default, ended.FinishedAt ?? default);
                var stays = known.State.Terminated is not null
                    && (_pod.Spec.RestartPolicy == "Never" || (_pod.Spec.RestartPolicy == "OnFailure" && ended.ExitCode == 0));
                if (stays)
                {
                    (slot.Phase, slot.Terminated, slot.Starting) = (ContainerPhase.Terminated, end, true);
                }
                else
                {
                    slot.LastTerminated = end;
                    slot.RestartCount++;
                }
            }
        }
    }

    private void Publish(InstanceState state)
    {
        if (_revision.Name.Length == 0 || _published == state)
        {
            return;
        }
        _published = state;
        _node.Capacity.Publish(new InstanceCapacity(_key, _uid, _revision, Address, _ports!.Map, state));
    }

    private void Use(ResourceKind kind, string name)
    {
        if (!_used.Contains((kind.Kind, name)))
        {
            _used = [.. _used, (kind.Kind, name)];
        }
    }

    /// <summary>Where requests to the pod go.</summary>
    private string Address => _network?.Address.ToString() ?? NodeServices.Loopback;

    /// <summary>The same for its status: null until it has the network that it is to have, lest the machine's own 127.0.0.1 be taken for its.</summary>
    private string? KnownAddress => _network is null && _node.Network is not null ? null : Address;

    private PodFields Fields() => new(_pod, _node.NodeName, _node.Address, Address);

    private VolumePayload Payload() => new(_pod, Fields(), _references, _tokens, _node.UsersAllowed);

    private static bool Same(IReadOnlyDictionary<string, string> a, IReadOnlyDictionary<string, string> b) =>
        a.Count == b.Count && a.All(p => b.TryGetValue(p.Key, out var value) && value == p.Value);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Pod {Pod}: an event could not be handled")]
        public static partial void Failed(ILogger logger, Exception error, ObjectKey pod);

        [LoggerMessage(2, LogLevel.Warning, "Pod {Pod}: requests were still in flight when the grace period ended")]
        public static partial void DrainTimeout(ILogger logger, ObjectKey pod);

        [LoggerMessage(8, LogLevel.Warning, "Pod {Pod}: its program kept upgraded connections for {Patience} after it was asked to end")]
        public static partial void UpgradedTimeout(ILogger logger, ObjectKey pod, TimeSpan patience);

        [LoggerMessage(9, LogLevel.Warning, "Pod {Pod}: its request log cannot be written")]
        public static partial void RequestLogFailed(ILogger logger, Exception error, ObjectKey pod);

        [LoggerMessage(EventId = 3, Message = "Pod {Pod}: its object could not be deleted; trying again")]
        public static partial void DeleteFailed(ILogger logger, LogLevel level, Exception error, ObjectKey pod);

        [LoggerMessage(EventId = 4, Message = "Pod {Pod}: its status could not be written; trying again")]
        public static partial void StatusFailed(ILogger logger, LogLevel level, Exception error, ObjectKey pod);

        [LoggerMessage(5, LogLevel.Information, "Pod {Pod}: container {Container} started as process {Pid}")]
        public static partial void Started(ILogger logger, ObjectKey pod, string container, int pid);

        [LoggerMessage(6, LogLevel.Information, "Pod {Pod}: container {Container} ended with {ExitCode}")]
        public static partial void Ended(ILogger logger, ObjectKey pod, string container, int exitCode);

        [LoggerMessage(7, LogLevel.Warning, "Pod {Pod}: container {Container} cannot start: {Reason}: {Message}")]
        public static partial void CannotStart(ILogger logger, ObjectKey pod, string container, string reason, string message);
    }
}
