using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Kube;

/// <summary>
/// Of many processes one leads, by a Lease (client-go: tools/leaderelection). Whether the holder still lives is judged by when this process last saw
/// the lease change, so clocks need not agree. Two may believe to lead for a moment: writes are guarded by resource versions, not by the lease.
/// </summary>
/// <param name="client">Where the lease is kept.</param>
/// <param name="key">The lease.</param>
/// <param name="identity">Who this is, unlike any other process.</param>
/// <param name="time">The clock.</param>
/// <param name="random">Jitter, so that those who stand by do not come all at once; nobody else may use it.</param>
/// <param name="logger">Hears who leads.</param>
public sealed partial class LeaderLease(
    IKubeClient client, ObjectKey key, string identity, TimeProvider time, Random random, ILogger<LeaderLease> logger)
{
    /// <summary>How long a lease counts that nobody renews.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);

    /// <summary>How long a leader tries to renew before it gives up.</summary>
    public static readonly TimeSpan RenewDeadline = TimeSpan.FromSeconds(10);

    /// <summary>How often a leader renews, and the others look.</summary>
    public static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_releasePatience = TimeSpan.FromSeconds(5);
    private static readonly WriteOptions s_write = WriteOptions.By("serval-leader-election");

    private volatile KubeObject? _seen;
    private long _seenAt;

    /// <summary>
    /// Stands by, leads while the lease is held, and stands by again when it was lost, until it is told to stop or the work is over; then the lease is
    /// given back.
    /// </summary>
    /// <param name="lead">What a leader does. Its token ends when the lease is lost; it is waited for before anything else.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="ApiException">The lease is forbidden to it.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                while (!await TryHoldAsync(renews: false, ct))
                {
                    await PauseAsync(ct);
                }
                Log.Leads(logger, identity, key);
                using var leading = CancellationTokenSource.CreateLinkedTokenSource(ct);
                var work = lead(leading.Token);
                var over = false;
                try
                {
                    await RenewAsync(work, ct);
                    over = work.IsCompleted;
                }
                finally
                {
                    await leading.CancelAsync();
                    await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    await ReleaseAsync();
                }
                if (over)
                {
                    await work;
                    return;
                }
                Log.Lost(logger, identity, key);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // told to stop
        }
    }

    // Returns when the work is over or the lease is lost.
    private async Task RenewAsync(Task work, CancellationToken ct)
    {
        var renewedAt = time.GetTimestamp();
        while (!work.IsCompleted && time.GetElapsedTime(renewedAt) < RenewDeadline)
        {
            await Task.WhenAny(work, Task.Delay(RetryPeriod, time, ct));
            ct.ThrowIfCancellationRequested();
            using var deadline = new CancellationTokenSource(RenewDeadline - Least(time.GetElapsedTime(renewedAt), RenewDeadline), time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
            try
            {
                if (await TryHoldAsync(renews: true, both.Token))
                {
                    renewedAt = time.GetTimestamp();
                }
                else if (Holder(_seen) != identity)
                {
                    return; // another took it
                }
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task<bool> TryHoldAsync(bool renews, CancellationToken ct)
    {
        try
        {
            return await HoldAsync(ct);
        }
        catch (ApiException e) when (renews || e.Code != 403) // who may not take it waits for nothing
        {
            Log.Failed(logger, e.IsConflict || e.IsAlreadyExists ? LogLevel.Debug : LogLevel.Warning, key, e.Message);
            return false;
        }
    }

    private async Task<bool> HoldAsync(CancellationToken ct)
    {
        var present = await FindAsync(ct);
        if (present is null)
        {
            See(await client.CreateAsync(Kinds.Lease, Record(new JsonObject(), identity, Duration, transitions: 0, acquires: true), s_write, ct));
            return true;
        }
        if (_seen is null || !present.Member("spec").Span.SequenceEqual(_seen.Member("spec").Span))
        {
            See(present);
        }
        var holder = Holder(present);
        if (holder.Length > 0 && holder != identity && time.GetElapsedTime(_seenAt) < LeaseTerm.Of(present, Duration))
        {
            return false;
        }
        var changes = holder != identity;
        See(await client.UpdateAsync(
            Kinds.Lease, Record(present.ToTree(), identity, Duration, Transitions(present) + (changes ? 1 : 0), changes), s_write, ct));
        return true;
    }

    /// <summary>So that whoever stands by need not wait for the lease to end.</summary>
    private async Task ReleaseAsync()
    {
        using var patience = new CancellationTokenSource(s_releasePatience, time);
        try
        {
            if (await FindAsync(patience.Token) is { } present && Holder(present) == identity)
            {
                await client.UpdateAsync(
                    Kinds.Lease, Record(present.ToTree(), "", TimeSpan.FromSeconds(1), Transitions(present), acquires: true), s_write, patience.Token);
            }
        }
        catch (Exception e) when (e is ApiException or OperationCanceledException)
        {
            Log.Failed(logger, LogLevel.Debug, key, e.Message); // it ends by itself
        }
    }

    private async Task<KubeObject?> FindAsync(CancellationToken ct)
    {
        try
        {
            return await client.GetAsync(Kinds.Lease, key, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private KubeObject Record(JsonObject tree, string holder, TimeSpan duration, int transitions, bool acquires)
    {
        var now = KubeTime.MicroText(time.GetUtcNow());
        (tree["apiVersion"], tree["kind"]) = (Kinds.Lease.ApiVersion, Kinds.Lease.Kind);
        tree["metadata"] ??= new JsonObject { ["name"] = key.Name, ["namespace"] = key.Namespace };
        tree["spec"] = new JsonObject
        {
            ["holderIdentity"] = holder, ["leaseDurationSeconds"] = (int)duration.TotalSeconds, ["renewTime"] = now, ["leaseTransitions"] = transitions,
            ["acquireTime"] = acquires ? now : tree["spec"]?["acquireTime"]?.DeepClone() ?? now,
        };
        return KubeObject.From(tree);
    }

    private void See(KubeObject lease) => (_seen, _seenAt) = (lease, time.GetTimestamp());

    // Until the next look; over at once when the holder gives the lease back.
    private async Task PauseAsync(CancellationToken ct)
    {
        var free = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (client.Cache(Kinds.Lease).Subscribe(change =>
        {
            if (change.New.Key == key && change.New.Version > (_seen?.Version ?? 0) && (change.Type == WatchEventType.Deleted || Holder(change.New).Length == 0))
            {
                free.TrySetResult();
            }
        }))
        {
            await free.Task.WaitAsync(RetryPeriod * (1 + (random.NextDouble() * 0.2)), time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        ct.ThrowIfCancellationRequested();
    }

    private static string Holder(KubeObject? lease) => Spec(lease)?["holderIdentity"]?.ToString() ?? "";

    private static int Transitions(KubeObject lease) =>
        Spec(lease)?["leaseTransitions"] is JsonValue value && value.TryGetValue<int>(out var transitions) ? transitions : 0;

    private static JsonObject? Spec(KubeObject? lease) => lease?.ToTree()["spec"] as JsonObject;

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static partial class Log
    {
        [LoggerMessage(EventId = 1201, Level = LogLevel.Information, Message = "{Identity} leads: it holds the lease {Key}")]
        internal static partial void Leads(ILogger logger, string identity, ObjectKey key);

        [LoggerMessage(EventId = 1202, Level = LogLevel.Warning, Message = "{Identity} no longer leads and stands by: it lost the lease {Key}")]
        internal static partial void Lost(ILogger logger, string identity, ObjectKey key);

        [LoggerMessage(EventId = 1203, Message = "The lease {Key} cannot be taken or renewed, trying again: {Why}")]
        internal static partial void Failed(ILogger logger, LogLevel level, ObjectKey key, string why);
    }
}
