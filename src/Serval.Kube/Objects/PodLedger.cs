using Serval.Api;
using Serval.Api.Core;

namespace Serval.Kube;

/// <summary>
/// What the pods of an account (a node, a namespace) ask for together, kept by the pods' changes: nobody counts the pods. An amount can be held
/// for a pod that is about to be stored. It follows the pods from the first question on. Safe from any thread.
/// </summary>
/// <param name="pods">The pods. A finished write of one is seen here before the writer goes on.</param>
/// <param name="accountOf">Where a pod counts; null: nowhere.</param>
/// <param name="amountsOf">What it counts for.</param>
public sealed class PodLedger(IObjectCache pods, Func<Pod, string?> accountOf, Func<PodSpec, IReadOnlyDictionary<string, Quantity>> amountsOf) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Lock _start = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal); // guarded by _lock; by uid
    private readonly Dictionary<string, Dictionary<string, Quantity>> _sums = new(StringComparer.Ordinal); // guarded by _lock; no sum is 0
    private IDisposable? _subscription; // set under _start
    private long _refusals; // guarded by _lock

    /// <summary>A pod counts on an account that it did not count on before, or no longer.</summary>
    public event Action<string>? Moved;

    /// <summary>An account has less on it than before; told on the thread that publishes, or the one that lets go.</summary>
    public event Action<string>? Freed;

    /// <summary>The account's sums; a name without one is not in it.</summary>
    public IReadOnlyDictionary<string, Quantity> Of(string account)
    {
        Follow();
        lock (_lock)
        {
            return _sums.TryGetValue(account, out var sums) ? new Dictionary<string, Quantity>(sums) : new Dictionary<string, Quantity>();
        }
    }

    /// <summary>
    /// Holds the amounts until the result is disposed of, which is when the pod is stored or given up; null when <paramref name="fits"/> says no of
    /// the account's sums. It is asked under a lock and must be quick.
    /// </summary>
    public IDisposable? Hold(string account, IReadOnlyDictionary<string, Quantity> amounts, Func<IReadOnlyDictionary<string, Quantity>, bool> fits)
    {
        Follow();
        lock (_lock)
        {
            var sums = Sums_NeedsLock(account);
            if (!fits(sums))
            {
                _refusals++;
                return null;
            }
            Add_NeedsLock(account, amounts);
            return new Held(this, new Entry(account, amounts), _refusals);
        }
    }

    public void Dispose()
    {
        lock (_start)
        {
            _subscription?.Dispose();
        }
    }

    private void Follow()
    {
        if (Volatile.Read(ref _subscription) is not null)
        {
            return;
        }
        lock (_start)
        {
            _subscription ??= pods.Subscribe(Changed);
        }
    }

    private void Changed(CacheChange change)
    {
        var uid = change.New.Metadata.Uid;
        var pod = change.New.As<Pod>();
        var account = change.Type == WatchEventType.Deleted || pod.Status.Phase is "Succeeded" or "Failed" ? null : accountOf(pod);
        Entry? before;
        lock (_lock)
        {
            if (_entries.TryGetValue(uid, out before) && before.Account == account && change.Old is { } old && SameSpec(old, change.New))
            {
                return;
            }
            if (before is not null)
            {
                _entries.Remove(uid);
                Take_NeedsLock(before);
            }
            if (account is not null)
            {
                var entry = new Entry(account, amountsOf(pod.Spec));
                _entries[uid] = entry;
                Add_NeedsLock(account, entry.Amounts);
            }
        }
        if (before is not null)
        {
            Moved?.Invoke(before.Account);
            Freed?.Invoke(before.Account);
        }
        if (account is not null)
        {
            Moved?.Invoke(account);
        }
    }

    private static bool SameSpec(KubeObject old, KubeObject now) => old.Member("spec").Span.SequenceEqual(now.Member("spec").Span);

    private void LetGo(Entry entry, long refusals)
    {
        bool missed;
        lock (_lock)
        {
            Take_NeedsLock(entry);
            missed = refusals != _refusals;
        }
        if (missed)
        {
            Freed?.Invoke(entry.Account); // somebody was refused for what was counted twice, or for nothing
        }
    }

    private Dictionary<string, Quantity> Sums_NeedsLock(string account)
    {
        if (!_sums.TryGetValue(account, out var sums))
        {
            _sums[account] = sums = new Dictionary<string, Quantity>(StringComparer.Ordinal);
        }
        return sums;
    }

    private void Add_NeedsLock(string account, IReadOnlyDictionary<string, Quantity> amounts)
    {
        var sums = Sums_NeedsLock(account);
        foreach (var (name, amount) in amounts)
        {
            if (!amount.IsZero)
            {
                sums[name] = sums.GetValueOrDefault(name) + amount;
            }
        }
    }

    private void Take_NeedsLock(Entry entry)
    {
        var sums = _sums[entry.Account];
        foreach (var (name, amount) in entry.Amounts)
        {
            if (!amount.IsZero && (sums[name] -= amount).IsZero)
            {
                sums.Remove(name);
            }
        }
        if (sums.Count == 0)
        {
            _sums.Remove(entry.Account);
        }
    }

    private sealed record Entry(string Account, IReadOnlyDictionary<string, Quantity> Amounts);

    private sealed class Held(PodLedger ledger, Entry entry, long refusals) : IDisposable
    {
        private PodLedger? _ledger = ledger;

        public void Dispose() => Interlocked.Exchange(ref _ledger, null)?.LetGo(entry, refusals);
    }
}
