using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
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
internal sealed partial class ServiceAddresses : IDisposable
{
    private static readonly ObjectKey s_api = new("default", "kubernetes");

    private readonly SqliteStore _store;
    private readonly IDisposable _ranges;
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, AddressHold> _held = []; // guarded by _lock, as the pool
    private readonly Dictionary<IPAddress, int> _shared = []; // how many have it beside the one for whom it is taken
    private AddressPool? _pool;
    private IDisposable? _services;

    public ServiceAddresses(SqliteStore store)
    {
        _store = store;
        _ranges = store.Table(Kinds.ServiceCidr).SubscribeAhead(FollowRange);
    }

    /// <summary>What a write of this kind holds addresses with; null for one that takes none.</summary>
    internal AddressHold? Begin(ResourceKind kind, WriteOptions options) => kind == Kinds.Service && !options.DryRun ? new AddressHold(this) : null;

    /// <summary>Completes a defaulted Service; what it is given is the hold's. Throws what a client gets when it cannot be.</summary>
    /// <param name="hold">May be of an earlier attempt; null when nothing is to be taken.</param>
    internal void Complete(JsonObject tree, JsonObject? old, AddressHold? hold)
    {
        hold?.Dispose();
        var errors = ClusterIps.Prepare(tree, old);
        var wanted = ClusterIps.Wanted(tree, old);
        if (tree["metadata"]?["deletionTimestamp"] is not null && string.IsNullOrEmpty(wanted))
        {
            return; // what goes is not kept from going
        }
        Refuse(tree, errors);
        if (wanted is not null && _pool is not null)
        {
            ClusterIps.Set(tree, hold is null ? Show(tree, wanted) : Hold(tree, wanted, hold));
        }
    }

    /// <summary>Frees what is held and was not stored.</summary>
    internal void GiveBack(AddressHold hold)
    {
        lock (_lock)
        {
            if (hold.Address is { } address)
            {
                _held.Remove(address);
                hold.Address = null;
                Free_NeedsLock(address);
            }
        }
    }

    public void Dispose()
    {
        _ranges.Dispose();
        _services?.Dispose();
    }

    private string Hold(JsonObject tree, string wanted, AddressHold hold)
    {
        var metadata = tree["metadata"]!.AsObject();
        var isApi = new ObjectKey((string?)metadata["namespace"] ?? "", (string?)metadata["name"] ?? "") == s_api;
        lock (_lock)
        {
            var pool = _pool!;
            var address = wanted.Length > 0 ? Asked(pool) : isApi && pool.Take(pool.First) ? pool.First : Any(pool);
            (hold.Address, hold.Uid) = (address, (string)metadata["uid"]!);
            _held[address] = hold;
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
                Free_NeedsLock(lost);
            }
            if (IPAddress.TryParse(after, out var given))
            {
                Store_NeedsLock(given, change.New);
            }
        }
    }

    private void Store_NeedsLock(IPAddress address, KubeObject service)
    {
        if (_held.TryGetValue(address, out var hold) && hold.Uid == service.Metadata.Uid)
        {
            _held.Remove(address);
            hold.Address = null;
        }
        else if (!_pool!.Take(address))
        {
            _shared[address] = _shared.GetValueOrDefault(address) + 1;
            Log.NotAlone(_store.Options.Logger, service.Key, address, _pool.Range);
        }
    }

    private void Free_NeedsLock(IPAddress address)
    {
        if (!_shared.Remove(address, out var others))
        {
            _pool!.Release(address);
        }
        else if (others > 1)
        {
            _shared[address] = others - 1;
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

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The Service {Service} has the address {Address}, which another one has as well or which is not of the range {Range}; make it anew to give it one of its own")]
        public static partial void NotAlone(ILogger logger, ObjectKey service, IPAddress address, IPNetwork range);
    }
}
