using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// Gives Services their addresses, from the range of the ServiceCIDR <c>kubernetes</c>: until there is one, none. What is taken is what stored
/// Services have, heard from the writer before anybody else does, and what writes under way hold (kubernetes: pkg/registry/core/service/storage).
/// </summary>
internal sealed class ServiceAddresses : IDisposable
{
    private static readonly ObjectKey s_api = new("default", "kubernetes");

    private readonly SqliteStore _store;
    private readonly IDisposable _ranges;
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, string> _held = []; // for the object of this uid; guarded by _lock, as the pool
    private AddressPool? _pool;
    private IDisposable? _services;
    private volatile int _holds;

    public ServiceAddresses(SqliteStore store)
    {
        _store = store;
        _ranges = store.Table(Kinds.ServiceCidr).SubscribeAhead(FollowRange);
    }

    /// <summary>Completes a defaulted Service; what it is given stays held until <see cref="Settle"/>. Throws what a client gets when it cannot be.</summary>
    internal void Complete(JsonObject tree, JsonObject? old, bool dryRun)
    {
        Refuse(tree, ClusterIps.Prepare(tree, old));
        if (ClusterIps.Wanted(tree, old) is { } wanted && _pool is not null)
        {
            ClusterIps.Set(tree, dryRun ? Show(tree, wanted) : Hold(tree, wanted));
        }
    }

    /// <summary>The write of this object has ended, well or not.</summary>
    internal void Settle(string uid)
    {
        if (_holds == 0)
        {
            return;
        }
        lock (_lock)
        {
            foreach (var (address, _) in _held.Where(h => h.Value == uid).ToList())
            {
                _held.Remove(address);
                _pool!.Release(address);
            }
            _holds = _held.Count;
        }
    }

    public void Dispose()
    {
        _ranges.Dispose();
        _services?.Dispose();
    }

    private string Hold(JsonObject tree, string wanted)
    {
        var metadata = tree["metadata"]!.AsObject();
        var isApi = new ObjectKey((string?)metadata["namespace"] ?? "", (string?)metadata["name"] ?? "") == s_api;
        lock (_lock)
        {
            var pool = _pool!;
            var address = wanted.Length > 0 ? Asked(pool) : isApi && pool.Take(pool.First) ? pool.First : Any(pool);
            _held[address] = (string)metadata["uid"]!;
            _holds = _held.Count;
            return address.ToString();
        }

        IPAddress Asked(AddressPool pool) => IPAddress.Parse(wanted) is var asked && pool.Take(asked) ? asked
            : throw Refusal(tree, $"failed to allocate IP {wanted}: {(pool.Has(asked) ? "provided IP is already allocated" : "the provided network does not match the current range")}");

        IPAddress Any(AddressPool pool) => pool.TakeAny(RandomNumberGenerator.GetInt32(int.MaxValue)) ?? throw new ApiException(
            500, "InternalError", $"Internal error occurred: failed to allocate a serviceIP for Service \"{metadata["name"]}\": range is full");
    }

    // Nothing is looked for: it would be another one when it counts.
    private string Show(JsonObject tree, string wanted)
    {
        var pool = _pool!;
        return wanted.Length == 0 ? pool.Range.BaseAddress.ToString()
            : pool.Has(IPAddress.Parse(wanted)) ? wanted
            : throw Refusal(tree, $"failed to allocate IP {wanted}: the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {pool.Range}");
    }

    private void FollowRange(CacheChange change)
    {
        if (_pool is null && change.New.Key.Name == ServiceRange.Name && change.Type != WatchEventType.Deleted && ServiceRange.Read(change.New) is { } range)
        {
            _pool = new AddressPool(range);
            _services = _store.Table(Kinds.Service).SubscribeAhead(FollowService);
        }
    }

    private void FollowService(CacheChange change)
    {
        var before = change.Type == WatchEventType.Added ? "" : Address(change.Old ?? change.New);
        var after = change.Type == WatchEventType.Deleted ? "" : Address(change.New);
        if (before == after)
        {
            return;
        }
        lock (_lock)
        {
            if (IPAddress.TryParse(before, out var lost))
            {
                _pool!.Release(lost);
            }
            if (IPAddress.TryParse(after, out var given))
            {
                _held.Remove(given);
                _holds = _held.Count;
                _pool!.Take(given);
            }
        }
    }

    private static string Address(KubeObject service) => service.As<Service>().Spec.ClusterIP;

    private static void Refuse(JsonObject tree, IReadOnlyList<FieldError> errors)
    {
        if (errors.Count > 0)
        {
            throw Validation.ToException(Kinds.Service, (string?)tree["metadata"]?["name"] ?? "", errors);
        }
    }

    private static ApiException Refusal(JsonObject tree, string why) =>
        Validation.ToException(Kinds.Service, (string?)tree["metadata"]?["name"] ?? "", [ClusterIps.NotAllocated(tree, why)]);
}
