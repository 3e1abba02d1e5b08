namespace Serval.Api.Schema;

/// <summary>
/// What can be called for a kind: paths with their operations (apiserver: endpoints/installer.go, endpoints/openapi; of custom kinds apiextensions-apiserver:
/// controller/openapi/builder). Names of operations are as upstream makes them, because generated clients have them as theirs.
/// </summary>
internal sealed class OpenApiKindPaths
{
    private const string Json = "application/json";
    private const string Proxy = "proxy";
    private const string Deprecated = " Deprecated: list with the parameter watch.";

    private static readonly string[] s_connected = ["get", "post"];
    private static readonly string[] s_proxied = ["delete", "get", "head", "options", "patch", "post", "put"];
    private static readonly string[] s_watched = [Json, "application/json;stream=watch"];
    private static readonly string[] s_patches = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"];
    private static readonly string[] s_customPatches = [.. s_patches.Where(p => p != "application/strategic-merge-patch+json")];

    private readonly ResourceKind _kind;
    private readonly string _root;
    private readonly string _scope;
    private readonly string _prefix;
    private readonly string _tag;
    private readonly string _type;

    private OpenApiKindPaths(ResourceKind kind)
    {
        _kind = kind;
        _root = kind.Group.Length == 0 ? $"/api/{kind.Version}" : $"/apis/{kind.Group}/{kind.Version}";
        _scope = kind.Namespaced ? "Namespaced" : "";
        _prefix = Prefix(kind.Group, kind.Version);
        _tag = Tag(kind.Group, kind.Version);
        _type = OpenApiSchemas.Name(kind);
    }

    public static IEnumerable<(string Path, IReadOnlyList<OpenApiOperation> Operations)> Of(ResourceKind kind) => new OpenApiKindPaths(kind).All();

    /// <summary>What stands behind the verb in the names of a group's operations: <c>AppsV1</c>, <c>ServingKnativeDevV1</c>.</summary>
    public static string Prefix(string group, string version) => string.Concat(Parts(group).Select(Capital)) + Capital(version);

    /// <summary><c>core_v1</c>, <c>rbacAuthorization_v1</c>.</summary>
    public static string Tag(string group, string version)
    {
        var parts = Parts(group);
        return parts[0] + string.Concat(parts.Skip(1).Select(Capital)) + (version.Length == 0 ? "" : "_" + version);
    }

    private static string[] Parts(string group) =>
        (group.Length == 0 ? "core" : group.EndsWith(".k8s.io", StringComparison.Ordinal) ? group[..^".k8s.io".Length] : group).Split('.', '-');

    private IEnumerable<(string Path, IReadOnlyList<OpenApiOperation> Operations)> All()
    {
        var place = _kind.Namespaced ? "namespaces/{namespace}/" + _kind.Plural : _kind.Plural;
        var collection = $"{_root}/{place}";
        var verbs = KindVerbs.Of(_kind);
        if (!verbs.Contains("list"))
        {
            yield return (collection, [Create(_type, GroupVersionKind(), $"create {Article(_kind.Kind)}", "")]);
            yield break;
        }
        yield return (collection, [.. Collection(verbs)]);
        yield return (collection + "/{name}", [.. Objects("", "", _type), Delete()]);
        foreach (var sub in Subresource.Of(_kind))
        {
            yield return ($"{collection}/{{name}}/{sub.Name}", [.. Below(sub)]);
            if (sub.Name == Proxy)
            {
                yield return ($"{collection}/{{name}}/{sub.Name}/{{path}}", [.. Connect(sub, s_proxied, "WithPath")]);
            }
        }
        if (_kind.Namespaced)
        {
            yield return ($"{_root}/{_kind.Plural}", [List($"list{_prefix}{_kind.Kind}ForAllNamespaces")]);
        }
        if (!_kind.IsCustom)
        {
            var one = $"watch{_prefix}{_scope}{_kind.Kind}";
            yield return ($"{_root}/watch/{place}", [Watch(one + "List", "watchlist", $"watch a list of {_kind.Kind}.")]);
            yield return ($"{_root}/watch/{place}/{{name}}", [Watch(one, "watch", $"watch one object of kind {_kind.Kind}.")]);
        }
        if (!_kind.IsCustom && _kind.Namespaced)
        {
            yield return ($"{_root}/watch/{_kind.Plural}", [Watch($"watch{_prefix}{_kind.Kind}ListForAllNamespaces", "watchlist", $"watch a list of {_kind.Kind}.")]);
        }
    }

    private IEnumerable<OpenApiOperation> Collection(IReadOnlyList<string> verbs)
    {
        yield return List($"list{_prefix}{_scope}{_kind.Kind}");
        yield return Create(_type, GroupVersionKind(), $"create {Article(_kind.Kind)}", "") with { Query = OpenApiParameters.Write };
        if (verbs.Contains("deletecollection"))
        {
            yield return Operation("delete", $"delete{_prefix}Collection{_scope}{_kind.Kind}", $"delete collection of {_kind.Kind}", "deletecollection") with
            {
                Query = _kind.IsCustom ? OpenApiParameters.List : OpenApiParameters.DeleteCollection,
                Body = _kind.IsCustom ? null : DeleteOptions, Answer = Schemas.Resolve("meta.Status").FullName,
            };
        }
    }

    /// <summary>To get, replace and patch an object or a part of it.</summary>
    private IEnumerable<OpenApiOperation> Objects(string subresource, string about, string type)
    {
        var (ending, kind) = ($"{_prefix}{_scope}{_kind.Kind}{Capital(subresource)}", about.Length == 0 ? GroupVersionKind() : ("autoscaling", "v1", about));
        var of = subresource.Length == 0 ? "" : $"{subresource} of ";
        yield return Operation("get", "read" + ending, $"read {of}the specified {_kind.Kind}", "get") with
        {
            Kind = kind, Query = _kind.IsCustom ? OpenApiParameters.Get : [], Answer = type,
        };
        yield return Operation("put", "replace" + ending, $"replace {of}the specified {_kind.Kind}", "put") with
        {
            Kind = kind, Query = OpenApiParameters.Write, Body = type, BodyRequired = true, Consumes = Bodies, Answer = type, Codes = ["200", "201"],
        };
        yield return Operation("patch", "patch" + ending, $"partially update {of}the specified {_kind.Kind}", "patch") with
        {
            Kind = kind, Query = OpenApiParameters.Patch, Body = OpenApiSchemas.Patch, BodyRequired = true, Answer = type,
            Consumes = _kind.IsCustom ? s_customPatches : s_patches, Codes = _kind.IsCustom ? ["200"] : ["200", "201"],
        };
    }

    private IEnumerable<OpenApiOperation> Below(Subresource sub)
    {
        var ending = _scope + _kind.Kind + Capital(sub.Name);
        var kind = (sub.Group ?? _kind.Group, sub.Version, sub.Kind);
        if (sub.Name == Proxy)
        {
            return Connect(sub, s_proxied, "");
        }
        if (sub.Verbs.Contains("patch"))
        {
            var isScale = sub.Name == "scale";
            return Objects(sub.Name, isScale && !_kind.IsCustom ? sub.Kind : "", isScale ? OpenApiSchemas.Scale : _type);
        }
        if (sub.Verbs is ["get"])
        {
            return [Operation("get", $"read{_prefix}{ending}", $"read {sub.Name} of the specified {_kind.Kind}", "get") with { Query = OpenApiParameters.Of(sub.Name), Produces = ["text/plain", Json] }];
        }
        if (sub.Verbs.Contains("get"))
        {
            return Connect(sub, s_connected, "");
        }
        if (sub.Verbs is ["update"])
        {
            return Objects(sub.Name, "", _type).Where(o => o.Method == "put");
        }
        var type = Schemas.Find(kind.Item1.Length == 0 ? kind.Version : $"{kind.Item1}/{kind.Version}", kind.Kind)!.FullName;
        return [Create(type, kind, $"create {sub.Name} of {Article(_kind.Kind)}", Capital(sub.Name))];
    }

    private IEnumerable<OpenApiOperation> Connect(Subresource sub, string[] methods, string ending) => methods.Select(method =>
        Operation(
            method, $"connect{_prefix}{Capital(method)}{_scope}{_kind.Kind}{Capital(sub.Name)}{ending}",
            $"connect {method.ToUpperInvariant()} requests to {sub.Name} of {_kind.Kind}", "connect") with
        {
            Kind = (_kind.Group, sub.Version, sub.Kind), Query = OpenApiParameters.Of(sub.Name), Produces = ["*/*"],
        });

    private OpenApiOperation List(string id) => Operation("get", id, $"list {(_kind.IsCustom ? "" : "or watch ")}objects of kind {_kind.Kind}", "list") with
    {
        Query = OpenApiParameters.List, Answer = OpenApiSchemas.ListName(_kind), Produces = s_watched,
    };

    private OpenApiOperation Watch(string id, string action, string doc) => Operation("get", id, doc + Deprecated, action) with
    {
        Query = OpenApiParameters.List, Answer = Schemas.Resolve("meta.WatchEvent").FullName, Produces = s_watched,
    };

    private OpenApiOperation Create(string type, (string Group, string Version, string Kind) kind, string doc, string ending) =>
        Operation("post", $"create{_prefix}{_scope}{_kind.Kind}{ending}", doc, "post") with
        {
            Kind = kind, Query = [.. OpenApiParameters.Write], Body = type, BodyRequired = true, Consumes = Bodies, Answer = type, Codes = ["200", "201", "202"],
        };

    private OpenApiOperation Delete() => Operation("delete", $"delete{_prefix}{_scope}{_kind.Kind}", $"delete {Article(_kind.Kind)}", "delete") with
    {
        Query = OpenApiParameters.Delete, Body = DeleteOptions, Consumes = Bodies, Codes = ["200", "202"],
        Answer = _kind.ReturnsDeleted ? _type : Schemas.Resolve("meta.Status").FullName,
    };

    private OpenApiOperation Operation(string method, string id, string doc, string action) =>
        new() { Method = method, Id = id, Doc = doc, Tag = _tag, Action = action, Kind = GroupVersionKind() };

    private static string DeleteOptions => Schemas.Resolve("meta.DeleteOptions").FullName;

    private IReadOnlyList<string> Bodies => _kind.IsCustom ? [Json, "application/yaml"] : ["*/*"];

    private (string Group, string Version, string Kind) GroupVersionKind() => (_kind.Group, _kind.Version, _kind.Kind);

    private static string Article(string noun) => ("AEIOU".Contains(noun[0], StringComparison.Ordinal) ? "an " : "a ") + noun;

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
