using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Fields;
using Serval.Api.Tests.Fields;
using Serval.ApiServer.Apply;

namespace Serval.ApiServer.Tests.Apply;

/// <summary>An object through a row of writes, each a second after the other.</summary>
internal sealed class FieldStory
{
    private int _second;

    public JsonObject? Live { get; private set; }

    public JsonArray? Managed => Live?["metadata"]?["managedFields"] as JsonArray;

    /// <summary>Types by version; what is not named here is not served.</summary>
    public Dictionary<string, FieldType> Types { get; } = new() { ["v1"] = TestTypes.All, ["v2"] = TestTypes.All };

    public FieldSet Ignored { get; init; } = FieldSet.Empty;

    public FieldStory Apply(string manager, string config, string version = "v1", string subresource = "", bool force = false)
    {
        var (tree, managed) = FieldManager.Apply(Live, Tree(config, version), By(manager, version, subresource), force);
        return Store(tree, managed);
    }

    /// <summary>The paths of the conflicts, with their owners.</summary>
    public IEnumerable<string> Conflicts(string manager, string config, string version = "v1")
    {
        var refused = Assert.Throws<ApiException>(() => Apply(manager, config, version));
        Assert.Equal((409, "Conflict"), (refused.Code, refused.Reason));
        Assert.All(refused.Causes, c => Assert.Equal("FieldManagerConflict", c.Reason));
        return refused.Causes.Select(c => $"{c.Message["conflict with ".Length..]} {c.Field}");
    }

    public FieldStory Update(string manager, string next, string version = "v1", string subresource = "", string? sent = null, bool starts = true)
    {
        var tree = Tree(next, version);
        return Store(tree, FieldManager.Update(Live, tree, sent is null ? null : JsonNode.Parse(sent), By(manager, version, subresource), starts));
    }

    public FieldStory Is(string tree)
    {
        var live = Live!.DeepClone().AsObject();
        foreach (var field in (string[])["apiVersion", "metadata"])
        {
            live.Remove(field);
        }
        DropNulls(live);
        Assert.True(JsonNode.DeepEquals(TestTypes.Tree(tree), live), $"expected {tree}, got {live.ToJsonString()}");
        return this;
    }

    /// <summary>Each: <c>manager operation fields</c>, in the order of the list; the fields as FieldsV1.</summary>
    public FieldStory Managers(params string[] expected)
    {
        var found = ManagedFields.Decode(Managed).Select(e =>
            $"{e.Manager} {e.Operation}{(e.ApiVersion == "v1" ? "" : "@" + e.ApiVersion)}{(e.Subresource.Length == 0 ? "" : "/" + e.Subresource)} {FieldsV1.Write(e.Fields).ToJsonString()}");
        Assert.Equal(expected.Select(Normal), found.Select(Normal));
        return this;
    }

    public FieldStory Tracks(params string[] managers)
    {
        Assert.Equal(managers, ManagedFields.Decode(Managed).Select(e => e.Manager));
        return this;
    }

    private static string Normal(string line)
    {
        var at = line.IndexOf('{', StringComparison.Ordinal);
        return line[..at] + FieldsV1.Read(TestTypes.Tree(line[at..]));
    }

    private static JsonObject Tree(string json, string version)
    {
        var tree = TestTypes.Tree(json);
        tree["apiVersion"] = version;
        return tree;
    }

    private FieldOperation By(string manager, string version, string subresource) => new()
    {
        Manager = manager, ApiVersion = version, Subresource = subresource, Ignored = Ignored,
        Time = KubeTime.Text(DateTimeOffset.UnixEpoch.AddSeconds(++_second)), TypeOf = v => Types.TryGetValue(v, out var type) ? Rooted(type) : null,
    };

    /// <summary>The type with what every object has.</summary>
    private static FieldType Rooted(FieldType type) => new()
    {
        Map = new MapForm(false, name => name switch
        {
            "apiVersion" => new FieldType { Scalar = ScalarForm.Text },
            "metadata" => FieldType.Deduced,
            _ => type.Map!.Field(name),
        }, type.Map!.Element),
    };

    private FieldStory Store(JsonObject tree, JsonArray? managed)
    {
        Live = tree;
        if (managed is not null)
        {
            ((JsonObject)(tree["metadata"] ??= new JsonObject()))["managedFields"] = managed;
        }
        return this;
    }

    /// <summary>As the decoder does to what was emptied.</summary>
    private static void DropNulls(JsonObject tree)
    {
        foreach (var (key, value) in tree.ToList())
        {
            if (value is null)
            {
                tree.Remove(key);
            }
            else if (value is JsonObject below)
            {
                DropNulls(below);
            }
        }
    }
}
