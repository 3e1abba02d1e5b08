using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Crds;
using Serval.Api.Networking;
using Serval.Api.Schema;
using Serval.ApiServer.Definitions;
using Serval.ApiServer.Http;
using Serval.ApiServer.Selectors;
using Serval.ApiServer.Store;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>
/// The waist over the embedded store. Every write takes the same steps, whether it comes from a controller or over HTTPS: decode, merge with what is
/// stored, default, validate, store; a write that lost a race is done again on the new state.
/// </summary>
public sealed class EmbeddedKubeClient : IKubeClient, IDisposable
{
    /// <summary>How often a change is worked out on the caller's thread against ever newer states; then the writer does it itself.</summary>
    private const int MaxRaces = 4;

    /// <summary>How many more names are tried for one <c>generateName</c> (registry: maxNameGenerationCreateAttempts, the first included).</summary>
    private const int MostNames = 7;

    private readonly SqliteStore _store;
    private readonly DefinedKinds _definitions;
    private readonly ServingConfigSource _config;
    private readonly Admission _admission;
    private readonly FieldTracking _fields;
    private readonly QuotaAdmission _quotas;
    private readonly ServiceAddresses _addresses;
    private readonly PageTokens _pages;
    private readonly TimeProvider _time;

    public EmbeddedKubeClient(SqliteStore store, TimeProvider time, ILoggerFactory loggers)
    {
        _store = store;
        _time = time;
        _definitions = new DefinedKinds(store.Kinds, store.Table(Kinds.CustomResourceDefinition).SubscribeAhead, store.Options.Logger);
        _pages = new PageTokens(time);
        _config = new ServingConfigSource(this, loggers.CreateLogger<ServingConfigSource>());
        _fields = new FieldTracking(store.Kinds, time);
        _addresses = new ServiceAddresses(store);
        _admission = new Admission(this, () => _config.Current, _fields, _addresses, time);
        _quotas = new QuotaAdmission(this);
    }

    public IKindSource ServedKinds => _store.Kinds;

    public IObjectCache Cache(ResourceKind kind) => _store.Table(kind);

    public Task<KubeObject> GetAsync(ResourceKind kind, ObjectKey key, CancellationToken ct = default) => Task.FromResult(Present(kind, key));

    public Task<KubeList> ListAsync(ResourceKind kind, string? ns, ListOptions options, CancellationToken ct = default)
    {
        var scope = new PageScope(kind, ns ?? "", options.LabelSelector, options.FieldSelector);
        var token = options.Continue.Length > 0 ? PageToken.Read(scope, options.Continue) : null;
        if (token is { IsOfThePresent: false })
        {
            return Task.FromResult(_pages.Next(token, options.Limit));
        }
        var filter = ObjectFilter.Parse(Blank(ns), options.LabelSelector, options.FieldSelector);
        var (version, items) = _store.Table(kind).Snapshot(filter.Namespace);
        if (kind.Form is { } form)
        {
            items = items.ConvertAll(form.Read);
        }
        if (filter.Selects)
        {
            items.RemoveAll(o => !filter.Matches(o));
        }
        if (token is not null)
        {
            items.RemoveAll(o => KindTable.Compare(o.Key, token.Last) <= 0);
        }
        return Task.FromResult(options.Limit > 0 && items.Count > options.Limit
            ? _pages.First(scope, version, items, options.Limit)
            : new KubeList(version, items));
    }

    public IAsyncEnumerable<WatchEvent> WatchAsync(ResourceKind kind, string? ns, WatchOptions options, CancellationToken ct = default) => _store.Watch(
        kind, ObjectFilter.Parse(Blank(ns), options.LabelSelector, options.FieldSelector), Start(options), options.AllowBookmarks, ct);

    public async Task<KubeObject> CreateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        var generated = obj.Metadata.Name.Length == 0 && obj.Metadata.GenerateName.Length > 0;
        for (var attempt = 0; ; attempt++)
        {
            using var hold = _addresses.Begin(kind, options);
            var created = _admission.Create(kind, Decode(kind, obj.Json, options), options, hold);
            if (await StoreNewAsync(kind, created, options) is { } stored)
            {
                return stored;
            }
            if (!generated || attempt >= MostNames)
            {
                throw generated ? ApiException.NoFreeName(kind, created.Metadata.Name)
                    : _store.Table(kind).Get(created.Key) is { Metadata.IsDeleting: true } ? ApiException.StillThere(kind, created.Metadata.Name)
                    : ApiException.AlreadyExists(kind, created.Metadata.Name);
            }
        }
    }

    /// <summary>The object as stored; null when its name is taken.</summary>
    private async Task<KubeObject?> StoreNewAsync(ResourceKind kind, KubeObject created, WriteOptions options)
    {
        using var counted = kind == Kinds.Pod ? _quotas.Admit(created) : null;
        return !options.DryRun ? await WriteAsync(kind, StoreAction.Create, null, created, IsSynced(kind, options))
            : _store.Table(kind).Get(created.Key) is null ? created : null;
    }

    public Task<KubeObject> UpdateAsync(ResourceKind kind, KubeObject obj, WriteOptions options, CancellationToken ct = default)
    {
        if (options.Subresource == "scale")
        {
            return ScaleAsync(kind, obj.Key, _ => Checked(ScaleView.Read(obj.Json), options), options, replaces: true);
        }
        return ChangeAsync(kind, obj.Key, options, present =>
        {
            RequireVersion(kind, obj);
            if (obj.Metadata.ResourceVersion.Length > 0 && obj.Metadata.ResourceVersion != present.Metadata.ResourceVersion)
            {
                throw Modified(kind, obj.Metadata.Name);
            }
            return Decode(kind, obj.Json, options);
        });
    }

    public Task<KubeObject> PatchAsync(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, CancellationToken ct = default)
    {
        if (patch.Type == PatchType.Apply)
        {
            return ApplyAsync(kind, key, new ApplyPatch(kind, key, patch, options, _fields), options);
        }
        if (patch.Type == PatchType.StrategicMerge && kind.IsCustom)
        {
            throw Failures.NoCustomPatch();
        }
        _ = Present(kind, key); // what is not there is not found, whatever the patch is
        var document = PatchDocument.Read(kind, patch, options.FieldValidation);
        if (StatusPatch.Fits(kind, patch.Type, document.Body, options))
        {
            return ReplaceAsync(kind, key, options, present =>
                StatusPatch.Apply(kind, present, document.Body, options) ?? _admission.Update(kind, present, Edit(present), options, null));
        }
        return options.Subresource == "scale"
            ? ScaleAsync(kind, key, tree => document.Decode(document.Apply(tree, ScaleView.Type), options, ScaleView.Type), options, replaces: false)
            : ChangeAsync(kind, key, options, Edit);

        JsonObject Edit(KubeObject present)
        {
            var tree = document.Decode(document.Apply(present.ToTree()), options);
            RequirePlace(tree, key);
            if ((string?)tree["metadata"]?["resourceVersion"] is { Length: > 0 } version && version != present.Metadata.ResourceVersion)
            {
                throw Modified(kind, key.Name);
            }
            // To outside clients it is a field that does not change, as upstream has it; to Serval's own it is a precondition.
            if (options.Tracked && (string?)tree["metadata"]?["uid"] is { Length: > 0 } uid && uid != present.Metadata.Uid)
            {
                throw Admission.OtherUid(kind, key.Name, uid);
            }
            return tree;
        }
    }

    public Task<KubeObject> DeleteAsync(ResourceKind kind, ObjectKey key, DeleteOptions options, CancellationToken ct = default)
    {
        RefuseImmortal(kind, key);
        var write = new WriteOptions { DryRun = options.DryRun, Durability = kind.Durability };
        return ReplaceAsync(kind, key, write, present =>
        {
            Deletion.Require(kind, present, options);
            return Deletion.Mark(kind, present, options, _time.GetUtcNow());
        });
    }

    public async Task<KubeList> DeleteCollectionAsync(ResourceKind kind, string? ns, ListOptions list, DeleteOptions options, CancellationToken ct = default)
    {
        var found = await ListAsync(kind, ns, list, ct);
        foreach (var obj in found.Items)
        {
            try
            {
                await DeleteAsync(kind, obj.Key, options, ct);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // somebody was faster
            }
        }
        return found;
    }

    public void Dispose()
    {
        _definitions.Dispose();
        _config.Dispose();
        _addresses.Dispose();
        _quotas.Dispose();
        _pages.Dispose();
    }

    private async Task<KubeObject> ChangeAsync(ResourceKind kind, ObjectKey key, WriteOptions options, Func<KubeObject, JsonObject> edit)
    {
        using var hold = _addresses.Begin(kind, options);
        KubeObject? last = null; // what the change itself ends is answered as it left it
        var stored = await ReplaceAsync(kind, key, options, present =>
        {
            last = null;
            return _admission.Update(kind, present, edit(present), options, hold, last: ended => last = ended);
        });
        return last ?? stored;
    }

    /// <summary>Applies a configuration to the object, or makes the object of it; again when that has come or gone since.</summary>
    private async Task<KubeObject> ApplyAsync(ResourceKind kind, ObjectKey key, ApplyPatch apply, WriteOptions options)
    {
        RequireDoor(kind, options.Subresource);
        var isScale = options.Subresource == "scale";
        var write = isScale ? options with { Subresource = "" } : options;
        while (true)
        {
            using var hold = _addresses.Begin(kind, options);
            if (options.Subresource.Length == 0 && _store.Table(kind).Get(key) is null)
            {
                var (tree, managed) = apply.ToNothing();
                var created = _admission.Create(kind, Decode(kind, CanonicalJson.Serialize(tree), options), options, hold, next => FieldTracking.Settle(null, next, managed));
                if (await StoreNewAsync(kind, created, options) is { } stored)
                {
                    options.Created?.Invoke();
                    return stored;
                }
                continue;
            }
            try
            {
                var stored = await ReplaceAsync(kind, key, write, present =>
                {
                    ScaleView.RequireUid(kind, present, apply.ScaleUid);
                    if (apply.ResourceVersion is { Length: > 0 } version && version != present.Metadata.ResourceVersion)
                    {
                        throw Modified(kind, key.Name);
                    }
                    var (tree, managed) = apply.To(present);
                    return _admission.Update(
                        kind, present, Decode(kind, CanonicalJson.Serialize(tree), options), options, hold, (before, next) => FieldTracking.Settle(before, next, managed));
                });
                return isScale ? KubeObject.From(ScaleView.Of(kind, stored)) : stored;
            }
            catch (ApiException e) when (e.IsNotFound && options.Subresource.Length == 0 && _store.Table(kind).Get(key) is null)
            {
                // gone since: it is made anew
            }
        }
    }

    /// <summary>Stores what <paramref name="change"/> makes of the present state, again when another writer came between; null removes it.</summary>
    private async Task<KubeObject> ReplaceAsync(ResourceKind kind, ObjectKey key, WriteOptions options, Func<KubeObject, KubeObject?> change)
    {
        for (var race = 0; ; race++)
        {
            var present = Present(kind, key);
            var next = change(present);
            if (next is not null && next.SameAs(present))
            {
                return present;
            }
            if (options.DryRun)
            {
                return next ?? present;
            }
            var stored = await WriteAsync(
                kind, next is null ? StoreAction.Remove : StoreAction.Replace, present, next ?? present, IsSynced(kind, options), race < MaxRaces ? null : change);
            if (stored is not null)
            {
                return stored;
            }
        }
    }

    /// <param name="replaces">Whether the whole Scale is sent: its uid is a precondition then, before all else.</param>
    private async Task<KubeObject> ScaleAsync(ResourceKind kind, ObjectKey key, Func<JsonObject, JsonObject> edit, WriteOptions options, bool replaces)
    {
        RequireDoor(kind, "scale");
        var main = options with { Subresource = "" }; // a change of the spec: waited for like any other one
        var stored = await ReplaceAsync(kind, key, main, present =>
        {
            var scale = edit(ScaleView.ToEdit(kind, present));
            RequirePlace(scale, key);
            var uid = scale["metadata"]?["uid"];
            if (replaces)
            {
                Admission.RequireUid(kind, present, (string?)uid);
            }
            var replicas = (int?)scale["spec"]?["replicas"] ?? 0; // a client of Go leaves out what is 0
            ScaleView.RequireNumber(kind, replicas);
            if (replicas < 0 && kind.Shape is null) // of a custom object its own rule speaks
            {
                throw ScaleView.Negative(key.Name, replicas);
            }
            ScaleView.RequireUid(kind, present, uid);
            if ((string?)scale["metadata"]?["resourceVersion"] is { Length: > 0 } version && version != present.Metadata.ResourceVersion)
            {
                throw Modified(kind, key.Name);
            }
            var tree = present.ToTree();
            ScaleView.Set(kind, tree, replicas);
            return _admission.Update(kind, present, tree, options, null, (before, next) => _fields.Note(kind, before, next, null, options));
        });
        return KubeObject.From(ScaleView.Of(kind, stored));
    }

    /// <summary>The object as stored, or null when the present one is another by now.</summary>
    private async Task<KubeObject?> WriteAsync(ResourceKind kind, StoreAction action, KubeObject? expected, KubeObject next, bool synced, Func<KubeObject, KubeObject?>? otherwise = null)
    {
        var form = kind.Form;
        if (form is not null)
        {
            next = form.Write(next);
            var change = otherwise;
            otherwise = change is null ? null : present => change(form.Read(present)) is { } changed ? form.Write(changed) : null;
        }
        var write = new StoreWrite
        {
            Table = _store.Table(kind), Action = action, Key = next.Key, Expected = expected?.Version ?? 0, Next = ObjectSize.Check(next), Synced = synced, Otherwise = otherwise,
            OpenNamespace = action == StoreAction.Create && kind.Namespaced ? _store.Table(Kinds.Namespace) : null,
        };
        var result = await _store.WriteAsync(write);
        return result.Outcome switch
        {
            WriteOutcome.Done => form is null ? result.Object : form.Read(result.Object!),
            WriteOutcome.NamespaceClosed => throw Admission.NamespaceClosed(kind, next, result.Object),
            _ => null,
        };
    }

    private KubeObject Present(ResourceKind kind, ObjectKey key)
    {
        var kept = _store.Table(kind).Get(key) ?? throw ApiException.NotFound(kind, key.Name);
        return kind.Form is { } form ? form.Read(kept) : kept;
    }

    private static JsonObject Decode(ResourceKind kind, ReadOnlyMemory<byte> json, WriteOptions options)
    {
        if (kind.Shape is { } shape)
        {
            return Checked(CustomObjects.Decode(kind, shape.Schema, json), options);
        }
        var decoded = StrictDecoder.Decode(kind, json);
        if (decoded.Warnings.Count + decoded.Errors.Count > 1 && !options.Given.IsEmpty && StrictDecoder.Decode(kind, options.Given) is var given && given.Errors.Count == decoded.Errors.Count)
        {
            decoded = decoded.ToldAs(given);
        }
        return Checked(decoded, options);
    }

    private static JsonObject Checked(DecodedObject decoded, WriteOptions options)
    {
        if (decoded.Failure(options.FieldValidation == FieldValidation.Strict) is { } failure)
        {
            throw failure;
        }
        if (options.FieldValidation == FieldValidation.Warn && options.Warn is { } warn)
        {
            foreach (var warning in decoded.Warnings)
            {
                warn(warning);
            }
        }
        return decoded.Tree;
    }

    /// <summary>A patch must not move an object (apiserver: handlers/patch.go, applyPatch).</summary>
    private static void RequirePlace(JsonObject tree, ObjectKey key)
    {
        var metadata = tree["metadata"] as JsonObject;
        if ((string?)metadata?["namespace"] is { Length: > 0 } ns && ns != key.Namespace)
        {
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }
        var name = (string?)metadata?["name"] ?? "";
        if (name != key.Name)
        {
            throw ApiException.BadRequest(name.Length == 0
                ? $"the name of the object ({key.Name} based on URL) was undeterminable: name must be provided"
                : $"the name of the object ({name}) does not match the name on the URL ({key.Name})");
        }
    }

    private static void RequireDoor(ResourceKind kind, string subresource)
    {
        if (subresource == "scale" && !kind.HasScale)
        {
            throw new ApiException(404, "NotFound", "the server could not find the requested resource");
        }
    }

    private static bool IsSynced(ResourceKind kind, WriteOptions options) =>
        (options.Durability ?? (options.Subresource.Length > 0 ? WriteDurability.Derived : kind.Durability)) == WriteDurability.Synced;

    private static void RefuseImmortal(ResourceKind kind, ObjectKey key)
    {
        DefinitionAdmission.RefuseDeletion(kind, key.Name);
        if (kind == Kinds.ServiceCidr && key.Name == ServiceRange.Name)
        {
            throw ApiException.Forbidden(kind, key.Name, "Services have their addresses of it");
        }
        if (kind == Kinds.Namespace && key.Name is ("default" or "kube-system" or "kube-public"))
        {
            throw ApiException.Forbidden(kind, key.Name, "this namespace may not be deleted");
        }
    }

    /// <summary>Kinds from a CRD, CRDs themselves, APIServices and Leases, are replaced only by who has seen the state he replaces (upstream: AllowUnconditionalUpdate).</summary>
    private static void RequireVersion(ResourceKind kind, KubeObject obj)
    {
        if ((kind.IsCustom || kind == Kinds.CustomResourceDefinition || kind == StoredKinds.ApiService || kind == Kinds.Lease) && obj.Metadata.ResourceVersion.Length == 0)
        {
            throw ApiException.NoVersion(kind, obj.Metadata.Name);
        }
    }

    private static ApiException Modified(ResourceKind kind, string name) =>
        ApiException.Conflict(kind, name, "the object has been modified; please apply your changes to the latest version and try again");

    private static WatchStart Start(WatchOptions options) => options.ResourceVersion switch
    {
        "" or "0" => options.SkipPresent ? WatchStart.Now : WatchStart.Present,
        var text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) => WatchStart.Behind(version),
        var text => throw ApiException.BadRequest($"invalid resource version \"{text}\""),
    };

    private static string? Blank(string? ns) => string.IsNullOrEmpty(ns) ? null : ns;
}
