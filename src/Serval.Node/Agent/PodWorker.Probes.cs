using System.Text.Json;
using Serval.Api.Core;
using Serval.Api.Serving;
using Serval.Kube;
using Serval.Node.Containers;
using Serval.Node.Probes;
using Serval.Node.Sockets;

namespace Serval.Node.Agent;

// Readiness: who is asked, and what the answers change.
internal sealed partial class PodWorker
{
    private const string Startup = "Startup";
    private const string Liveness = "Liveness";
    private const string Readiness = "Readiness";

    private static readonly TimeSpan[] s_explainAfter =
        [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)];

    private static readonly TimeSpan s_eagerTimeout = TimeSpan.FromMilliseconds(100);

    private void BeginProbes(ContainerSlot slot)
    {
        if (slot.IsInit && !slot.IsSidecar)
        {
            slot.Started = true;
            return;
        }
        if (slot.Spec.StartupProbe is { } startup)
        {
            Watch(slot, Startup, startup, loop => loop.WatchStartupAsync, result =>
            {
                if (result.Ok)
                {
                    BeginAfterStartup(slot);
                }
                else
                {
                    KillUnhealthy(slot, Startup, startup, result.Message);
                }
            });
            return;
        }
        BeginAfterStartup(slot);
    }

    private void BeginAfterStartup(ContainerSlot slot)
    {
        slot.Started = true;
        if (slot.IsSidecar)
        {
            StartDue(); // the next was waiting for this
        }
        if (slot.Spec.LivenessProbe is { } liveness)
        {
            Watch(slot, Liveness, liveness, loop => loop.WatchLivenessAsync, r => KillUnhealthy(slot, Liveness, liveness, r.Message));
        }
        // An instance of a revision takes requests as soon as it is ready, so it has to listen first.
        var probe = slot.Spec.ReadinessProbe
            ?? (_revision.Name.Length > 0 && !slot.IsInit && ContainerEnvironment.InstancePort(slot.Spec, _ports!.Map) is not null
                ? new Probe { TcpSocket = new TcpSocketAction() }
                : null);
        if (probe is null)
        {
            slot.Ready = true;
            UpdateReady();
            return;
        }
        Watch(slot, Readiness, probe, loop => loop.WatchReadinessAsync, result =>
        {
            slot.Ready = result.Ok;
            slot.NotReadyMessage = result.Ok ? "" : $"is not ready: {result.Message}";
            UpdateReady();
        });
    }

    private void Watch(
        ContainerSlot slot, string name, Probe probe, Func<ProbeLoop, Func<Action<ProbeResult>, CancellationToken, Task>> mode, Action<ProbeResult> report)
    {
        var run = slot.Run!;
        var check = Plan(slot, name, probe);
        var attempts = new ProbeAttempts(check.What, s_explainAfter, _node.Time, text => Post(() => Explain(text)));
        var plan = check with { Check = (timeout, ct) => attempts.RunAsync(limited => check.Check(timeout, limited), ct) };
        var token = run.Token;
        _ = WatchAsync();

        async Task WatchAsync()
        {
            try
            {
                await mode(new ProbeLoop(plan, _node.Time, message => TellUnhealthy(slot, name, message)))(result => Post(() => Report(result)), token);
            }
            catch (OperationCanceledException)
            {
                // This run of the container is over.
            }
            catch (Exception e)
            {
                Post(() => Report(ProbeResult.Failure(e.Message)));
            }
        }

        void Explain(string text)
        {
            if (slot.Run == run && name != Liveness && !slot.Ready)
            {
                slot.NotReadyMessage = name == Startup ? $"has not started: {text}" : $"is not ready: {text}";
                MarkDirty(now: true);
            }
        }

        void Report(ProbeResult result)
        {
            if (slot.Run == run && !token.IsCancellationRequested)
            {
                report(result);
            }
        }
    }

    private void KillUnhealthy(ContainerSlot slot, string name, Probe probe, string message)
    {
        TellKilledUnhealthy(slot, name);
        slot.KilledBecause = $"{name} probe failed: {message}";
        EndEarly([slot], probe.TerminationGracePeriodSeconds);
    }

    private ProbePlan Plan(ContainerSlot slot, string name, Probe probe) => Checks(slot, name, probe) with
    {
        EagerTimeout = name == Readiness && (_pod.Metadata.Annotation(KnativeNames.EagerReadinessAnnotation) ?? "").Split(',').Contains(slot.Spec.Name)
            ? s_eagerTimeout : null,
    };

    private ProbePlan Checks(ContainerSlot slot, string name, Probe probe)
    {
        if (probe.Exec is { } exec)
        {
            // Of the container that serves, readiness asks for its port too (knative/serving: revision/resources: applyReadinessProbeDefaults).
            var served = name == Readiness && _revision.Name.Length > 0 && !slot.IsInit
                ? ContainerEnvironment.InstancePort(slot.Spec, _ports!.Map) : null;
            return new ProbePlan
            {
                Probe = probe,
                What = ProbeAttempts.Describe(probe, null),
                Listening = served is { } port ? ct => ListeningAsync(slot, name, port, ct) : null,
                Check = (_, ct) => ExecAsync(slot, name, exec.Command, ct),
            };
        }
        if (probe.Grpc is { } grpc)
        {
            var own = Own(Map(grpc.Port));
            return new ProbePlan
            {
                Probe = probe,
                What = ProbeAttempts.Describe(probe, own),
                Listening = ct => ListeningAsync(slot, name, own.Port, ct),
                Check = (_, ct) => GrpcCheck.RunAsync(grpc, own, ct),
            };
        }
        var (target, isOwn) = Target(
            slot.Spec, probe.HttpGet?.Host ?? probe.TcpSocket?.Host ?? "", probe.HttpGet?.Port ?? probe.TcpSocket?.Port);
        return new ProbePlan
        {
            Probe = probe,
            What = ProbeAttempts.Describe(probe, target),
            Listening = isOwn ? ct => ListeningAsync(slot, name, target.Port, ct) : null,
            ListeningIsEnough = probe.HttpGet is null && probe is { SuccessThreshold: null or <= 1 },
            Check = probe.HttpGet is { } get
                ? (timeout, ct) => name == Readiness && _pod.Metadata.Annotation(KnativeNames.DetectHttp2Annotation) is not null
                    ? NetworkChecks.EitherHttpAsync(get, target, timeout, _node.Time, ct) : NetworkChecks.HttpAsync(get, target, ct)
                : (_, ct) => NetworkChecks.TcpAsync(target, ct),
        };
    }

    /// <summary>Whom an action of a container asks: by default the instance itself.</summary>
    private (ProbeTarget Target, bool Own) Target(Container container, string host, JsonElement? port)
    {
        var own = host.Length == 0 || host is NodeServices.Loopback or "localhost" || host == Address;
        var number = TargetPort(container, port, own);
        return (own ? Own(number) : new ProbeTarget(host, number), own);
    }

    private ProbeTarget Own(int port) => new(Address, port, _network is null ? null : _network.ConnectAsync);

    private int TargetPort(Container container, JsonElement? port, bool own)
    {
        var number = port switch
        {
            { ValueKind: JsonValueKind.Number } n => n.GetInt32(),
            { ValueKind: JsonValueKind.String } s => int.TryParse(s.GetString(), out var parsed)
                ? parsed
                : container.Ports.FirstOrDefault(p => p.Name == s.GetString())?.Number ?? 0,
            _ => 0,
        };
        return number == 0 ? ContainerEnvironment.InstancePort(container, _ports!.Map) ?? 0 : own ? Map(number) : number;
    }

    private int Map(int port) => _ports!.Map.TryGetValue(port, out var mapped) ? mapped : port;

    private async Task ListeningAsync(ContainerSlot slot, string probe, int port, CancellationToken ct)
    {
        var seen = new TaskCompletionSource(); // continuations run on the prober's thread: they only begin asynchronous work
        var (pid, ended) = (slot.Process!.Pid, slot.Exit!.Task);
        using var watch = _node.Prober.WhenListening(pid, _network, port, () => seen.TrySetResult());
        using var explaining = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _ = ExplainSilenceAsync(slot, probe, pid, port, explaining.Token);
        try
        {
            await seen.Task.WaitAsync(ct);
        }
        finally
        {
            await explaining.CancelAsync();
        }
        if (_node.RelaysLoopback)
        {
            _network?.Relay(port, ended, _node.Time);
        }
    }

    // Says what is known of a program that does not open its port: what it listens on instead, or who has the port.
    private async Task ExplainSilenceAsync(ContainerSlot slot, string probe, int pid, int port, CancellationToken ct)
    {
        try
        {
            var age = TimeSpan.Zero;
            foreach (var after in s_explainAfter)
            {
                await Task.Delay(after - age, _node.Time, ct);
                age = after;
                var message = Silence(slot.Spec, pid, port, age);
                Post(() =>
                {
                    if (!ct.IsCancellationRequested)
                    {
                        slot.NotReadyMessage = message;
                        TellUnhealthy(slot, probe, message);
                        MarkDirty(now: true);
                    }
                });
            }
        }
        catch (OperationCanceledException)
        {
            // It listens now, or is gone.
        }
    }

    private string Silence(Container container, int pid, int port, TimeSpan age)
    {
        var name = ContainerEnvironment.InstancePort(container, _ports!.Map) == port ? $"{port} ($PORT)" : $"{port}";
        var message = $"has not opened port {name} after {Text(age)}";
        var sockets = InstanceSockets.Listening(pid, _network);
        var aside = sockets.Where(s => s.Port == port).Select(s => s.ToString()).ToList();
        if (aside.Count > 0)
        {
            return $"{message} where {Address} reaches it; it listens on {string.Join(", ", aside)} only: let it listen on 127.0.0.1 or 0.0.0.0";
        }
        if (InstanceSockets.Dump(_network).Any(s => s.Port == port))
        {
            return $"{message}; a process that is not the container's listens there";
        }
        var elsewhere = sockets.Select(s => s.Port).Distinct().ToList();
        return elsewhere.Count == 0
            ? $"{message}; it listens on no port: let it listen on the port in the variable PORT"
            : $"{message}; it listens on {string.Join(", ", elsewhere)}, $PORT is {port}: let it listen on the port in the variable PORT";
    }

    private async Task<ProbeResult> ExecAsync(ContainerSlot slot, string what, IReadOnlyList<string> command, CancellationToken ct)
    {
        if (slot.Process is not { } process || slot.Launch is not { } launch)
        {
            return ProbeResult.Failure("the container does not run");
        }
        var output = NodePaths.ExecOutput(_directory, slot.Spec.Name, what);
        File.Delete(output);
        var status = await _node.Runtime.ExecAsync(launch, process, command, output, ct);
        return status.ExitCode == 0
            ? ProbeResult.Success
            : ProbeResult.Failure($"command exited with {status.ExitCode}: {Logs.LogTail.Read(output).Trim()}");
    }

    private void UpdateReady()
    {
        var ready = !_stopping && _slots.All(s => s.IsInit && !s.IsSidecar ? s.Succeeded : s.Ready);
        var first = ready && _published != InstanceState.Ready;
        if (ready)
        {
            Publish(InstanceState.Ready);
        }
        else if (_published is InstanceState.Ready)
        {
            // Gone is final for an instance, and a container that ended may come back in place: only the end of the pod publishes that.
            Publish(InstanceState.Draining);
        }
        if (first && AnswersReleased() is { IsCompleted: false } released)
        {
            MarkDirty(now: false);
            _ = WriteAfterAsync(released);
            return;
        }
        MarkDirty(now: true);
    }
}
