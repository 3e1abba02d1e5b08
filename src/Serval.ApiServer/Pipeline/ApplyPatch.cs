using System.Text.Json;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.GoText;
using Serval.ApiServer.Apply;
using Serval.ApiServer.Patches;
using Serval.Kube;

namespace Serval.ApiServer.Pipeline;

/// <summary>A configuration that is applied to an object, there or not. (apiserver: endpoints/handlers/patch.go, applyPatcher.)</summary>
internal sealed class ApplyPatch
{
    private readonly ResourceKind _kind;
    private readonly JsonObject _config;
    private readonly WriteOptions _options;
    private readonly FieldTracking _fields;
    private readonly string _ns;

    /// <summary>Checks that the configuration is one of this object. <see cref="ApiException"/> 400 when it is not.</summary>
    public ApplyPatch(ResourceKind kind, ObjectKey key, KubePatch patch, WriteOptions options, FieldTracking fields)
    {
        (_kind, _options, _fields, _ns) = (kind, options, fields, key.Namespace);
        _config = Read(patch);
        var isScale = options.Subresource == "scale";
        RequireType(isScale ? "autoscaling/v1" : kind.ApiVersion, isScale ? "Scale" : kind.Kind);
        RequireIdentity(key);
        if (isScale)
        {
            ScaleUid = _config["metadata"]?["uid"];
            _config = OnParent();
        }
    }

    public string ResourceVersion => Text("resourceVersion");

    /// <summary>Whose Scale it is meant to be; null when it does not say, or is no Scale.</summary>
    public JsonNode? ScaleUid { get; }

    /// <summary>The object with the configuration applied, before defaults, and the entries that go with it. <see cref="ApiException"/> 409 for conflicts, 422 for another's uid.</summary>
    public (JsonObject Tree, JsonArray? Managed) To(KubeObject present)
    {
        var applied = FieldManager.Apply(present.ToTree(), _config, _fields.By(_kind, _options), _options.Force);
        return Text("uid") is { Length: > 0 } uid && uid != present.Metadata.Uid ? throw Admission.OtherUid(_kind, present.Metadata.Name, uid) : applied;
    }

    /// <summary>The configuration as a new object. <see cref="ApiException"/> 409 when it says which object it is for.</summary>
    public (JsonObject Tree, JsonArray? Managed) ToNothing()
    {
        if (Text("uid") is { Length: > 0 } uid)
        {
            throw ApiException.Conflict(_kind, Text("name"), $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        }
        var (tree, managed) = FieldManager.Apply(null, _config, _fields.By(_kind, _options), _options.Force);
        if (_ns.Length > 0)
        {
            tree["metadata"]!["namespace"] = _ns;
        }
        return (tree, managed);
    }

    private static JsonObject Read(KubePatch patch)
    {
        try
        {
            return PatchBody.Read(patch.Body.Span, new RepeatedKeys()) switch
            {
                null => [],
                JsonObject config => config,
                var other => throw ApiException.BadRequest(
                    $"error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {GoValue.Kind(other)} into Go value of type map[string]interface {{}}"),
            };
        }
        catch (JsonException e)
        {
            throw ApiException.BadRequest($"error decoding patch: {e.Message}");
        }
    }

    private void RequireType(string apiVersion, string kind)
    {
        var (givenVersion, givenKind) = (TextOf(_config["apiVersion"]), TextOf(_config["kind"]));
        if (givenVersion != apiVersion || givenKind != kind)
        {
            throw ApiException.BadRequest($"invalid object type: {Shown(givenVersion, givenKind)}");
        }
    }

    /// <summary>As Go shows what an object is: nothing of it where the version is none.</summary>
    private static string Shown(string apiVersion, string kind) => apiVersion.Count(c => c == '/') > 1 ? "/, Kind="
        : $"{(apiVersion.Contains('/', StringComparison.Ordinal) ? apiVersion : "/" + apiVersion)}, Kind={kind}";

    private void RequireIdentity(ObjectKey key)
    {
        if (_config["metadata"] is not (JsonObject or null))
        {
            throw ApiException.BadRequest("error decoding patch: metadata is no object");
        }
        if (_config["metadata"]?["managedFields"] is not null)
        {
            throw ApiException.BadRequest("metadata.managedFields must be nil");
        }
        if (Text("name") is var name && name != key.Name)
        {
            throw ApiException.BadRequest(name.Length == 0
                ? $"the name of the object ({key.Name} based on URL) was undeterminable: name must be provided"
                : $"the name of the object ({name}) does not match the name on the URL ({key.Name})");
        }
        if (Text("namespace") is { Length: > 0 } ns && ns != key.Namespace)
        {
            throw ApiException.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }
    }

    /// <summary>What a Scale says, in terms of the object that has it. (apimachinery: util/managedfields/scalehandler.go.)</summary>
    private JsonObject OnParent()
    {
        FieldManager.RequireType(_config, ScaleView.FieldType);
        var identity = (_config["metadata"] as JsonObject ?? []).Where(f => f.Key is "name" or "resourceVersion");
        var parent = new JsonObject
        {
            ["apiVersion"] = _kind.ApiVersion,
            ["kind"] = _kind.Kind,
            ["metadata"] = new JsonObject(identity.Select(f => KeyValuePair.Create(f.Key, f.Value?.DeepClone()))),
        };
        if (_config["spec"] is JsonObject spec && spec["replicas"] is { } replicas)
        {
            ScaleView.Set(_kind, parent, replicas.DeepClone());
        }
        return parent;
    }

    private string Text(string field) => TextOf(_config["metadata"]?[field]);

    private static string TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : "";
}
