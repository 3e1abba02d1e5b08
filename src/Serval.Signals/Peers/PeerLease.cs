using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Kube;

namespace Serval.Signals;

/// <summary>
/// Keeps the Lease by which others find this process: renewed while it runs, deleted at its end unless another took its name. It is applied whole each time, so that it comes back
/// when somebody took it away, and nothing stays of what an earlier process of this name told.
/// </summary>
public sealed partial class PeerLease : IAsyncDisposable
{
    /// <summary>How long a Lease counts that is not renewed.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(40);

    /// <summary>As a kubelet renews its own.</summary>
    public static readonly TimeSpan RenewPeriod = TimeSpan.FromSeconds(10);

    internal static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private readonly IKubeClient _client;
    private readonly Peer _self;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously); // ends when there is other metadata than before
    private volatile JsonObject _metadata; // replaced whole
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously); // ends when it was tried to say that it leaves
    private readonly TaskCompletionSource _found = new(TaskCreationOptions.RunContinuationsAsynchronously); // ends when it was written once
    private readonly Task _run;
    private volatile bool _leaves;

    private PeerLease(IKubeClient client, PeerRole role, string id, SignalServer server, IReadOnlyDictionary<string, string> facts, TimeProvider time, ILogger logger)
    {
        (_client, _time, _logger) = (client, time, logger);
        _self = new Peer(role, id, server.Address, server.Certificate, facts);
        _metadata = Metadata(facts);
        _run = RunAsync();
    }

    private ObjectKey Key => _self.Role.LeaseOf(_self.Id);

    private WriteOptions Write => WriteOptions.By($"serval-{_self.Role.Text()}") with { Force = true };

    /// <summary>Begins to keep it, when all is there that others shall find.</summary>
    /// <param name="client">Where it is kept.</param>
    /// <param name="role">What this process is.</param>
    /// <param name="id">Its name among those of its role.</param>
    /// <param name="server">What serves its signals.</param>
    /// <param name="facts">What else others are told (<see cref="PeerFacts"/>).</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears when it cannot be kept.</param>
    public static PeerLease Keep(
        IKubeClient client, PeerRole role, string id, SignalServer server, IReadOnlyDictionary<string, string> facts, TimeProvider time, ILogger<PeerLease> logger) =>
        new(client, role, id, server, facts, time, logger);

    /// <summary>Ends when it is written, so that others find this process.</summary>
    /// <exception cref="InvalidOperationException">The API server forbids it.</exception>
    public Task WhenFoundAsync(CancellationToken ct) => _found.Task.WaitAsync(ct);

    /// <summary>Tells other facts from now on.</summary>
    public void Tell(IReadOnlyDictionary<string, string> facts)
    {
        _metadata = Metadata(facts);
        TellNews();
    }

    /// <summary>
    /// Tells that this process is about to end (<see cref="PeerFacts.Leaving"/>); the Lease is kept on. Ends when that is written, or cannot be.
    /// </summary>
    public async Task LeaveAsync()
    {
        _leaves = true;
        TellNews();
        await _left.Task.WaitAsync(s_patience, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        using var patience = new CancellationTokenSource(s_patience, _time);
        try
        {
            if (await PeerName.FindAsync(_client, Key, patience.Token) is { } present && present.Certificate == _self.Certificate)
            {
                await _client.DeleteAsync(Kinds.Lease, Key, DeleteOptions.Background, patience.Token);
            }
        }
        catch (Exception e) when (e is ApiException or OperationCanceledException)
        {
            Log.Failed(_logger, LogLevel.Debug, Key, e.Message); // it ends by itself
        }
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var fails = false;
        try
        {
            while (true)
            {
                var news = Volatile.Read(ref _news).Task; // before what it is about is read
                var leaves = _leaves;
                try
                {
                    await _client.PatchAsync(Kinds.Lease, Key, new KubePatch(PatchType.Apply, Record(leaves)), Write, _stop.Token);
                    fails = false;
                    _found.TrySetResult();
                }
                catch (ApiException e) when (e.Code == 403 && !_found.Task.IsCompleted)
                {
                    _found.SetException(new InvalidOperationException($"the lease {Key}, by which others find this process, may not be written: {e.Message}", e));
                    fails = true;
                }
                catch (ApiException e)
                {
                    Log.Failed(_logger, fails ? LogLevel.Debug : LogLevel.Warning, Key, e.Message);
                    fails = true;
                }
                if (leaves)
                {
                    _left.TrySetResult();
                }
                await await Task.WhenAny(Task.Delay(fails ? RetryPeriod : RenewPeriod, _time, _stop.Token), news);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // told to stop
        }
    }

    private void TellNews() => Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    private JsonObject Metadata(IReadOnlyDictionary<string, string> facts)
    {
        var annotations = new JsonObject { [PeerRoles.Address] = _self.Address.GetLeftPart(UriPartial.Authority), [PeerRoles.Certificate] = _self.Certificate };
        foreach (var (name, value) in facts)
        {
            annotations[name] = value;
        }
        return new JsonObject
        {
            ["name"] = Key.Name, ["namespace"] = Key.Namespace, ["labels"] = new JsonObject { [PeerRoles.Label] = _self.Role.Text() }, ["annotations"] = annotations,
        };
    }

    private byte[] Record(bool leaves)
    {
        var metadata = _metadata.DeepClone();
        if (leaves)
        {
            metadata["annotations"]![PeerFacts.Leaving] = "true";
        }
        return CanonicalJson.Serialize(new JsonObject
        {
            ["apiVersion"] = Kinds.Lease.ApiVersion,
            ["kind"] = Kinds.Lease.Kind,
            ["metadata"] = metadata,
            ["spec"] = new JsonObject
            {
                ["holderIdentity"] = _self.Id, ["leaseDurationSeconds"] = (int)Duration.TotalSeconds, ["renewTime"] = KubeTime.MicroText(_time.GetUtcNow()),
            },
        });
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4001, Message = "The lease {Key}, by which others find this process, cannot be written; it is tried again: {Why}")]
        internal static partial void Failed(ILogger logger, LogLevel level, ObjectKey key, string why);
    }
}
