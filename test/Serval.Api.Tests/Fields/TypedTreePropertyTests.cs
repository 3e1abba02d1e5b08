using System.Text.Json.Nodes;
using Serval.Api.Fields;
using static Serval.Api.Tests.Fields.TestTypes;

namespace Serval.Api.Tests.Fields;

/// <summary>Laws of apply on random trees; a failure prints its seed.</summary>
public sealed class TypedTreePropertyTests
{
    [Fact]
    public void RandomTrees_KeepTheLaws()
    {
        for (var seed = 0; seed < 1000; seed++)
        {
            var random = new Random(seed);
            var (a, b) = (Object(random, 2), Object(random, 2));
            try
            {
                Laws(a, b);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {a.ToJsonString()} and {b.ToJsonString()}: {e.Message}", e);
            }
        }
    }

    private static void Laws(JsonObject a, JsonObject b)
    {
        Assert.Empty(TypedTree.Problems(a, All));
        var fields = TypedTree.FieldsOf(a, All);
        Assert.Equal(fields, FieldsV1.Read(FieldsV1.Write(fields)));

        var merged = TypedTree.Merge(a, b, All);
        Assert.Empty(TypedTree.Problems(merged, All));
        Assert.True(TypedTree.FieldsOf(b, All).Except(TypedTree.FieldsOf(merged, All).WithNamedFields(All)).IsEmpty, "the merged tree has all of the configuration's fields");
        var again = TypedTree.Compare(merged, TypedTree.Merge(merged, b, All), All);
        Assert.True(again.Added.IsEmpty && again.Modified.IsEmpty && again.Removed.IsEmpty, "to merge twice is to merge once");
        Assert.All(TypedTree.Compare(a, merged, All).Removed.Paths(), p => Assert.Contains(PathElement.Field("free"), p)); // which may change its form

        var (forth, back) = (TypedTree.Compare(a, b, All), TypedTree.Compare(b, a, All));
        Assert.Equal(forth.Added, back.Removed);
        Assert.Equal(forth.Modified, back.Modified);
        var same = TypedTree.Compare(a, a, All);
        Assert.True(same.Added.IsEmpty && same.Modified.IsEmpty && same.Removed.IsEmpty, "a tree is like itself");

        var rest = TypedTree.Remove(a, fields.WithNamedFields(All), All);
        Assert.True(TypedTree.FieldsOf(rest, All).Intersect(fields).IsEmpty, "what was removed is gone");
        Assert.True(JsonNode.DeepEquals(a, TypedTree.Remove(a, FieldSet.Empty, All)), "to remove nothing changes nothing");

        var other = TypedTree.FieldsOf(b, All);
        Assert.Equal(fields.Union(other), other.Union(fields));
        Assert.Equal(fields.Intersect(other), fields.Except(fields.Except(other)));
        Assert.True(fields.Except(fields).IsEmpty && fields.Union(other).Except(other).Except(fields).IsEmpty);
    }

    private static JsonObject Object(Random random, int depth)
    {
        var tree = new JsonObject();
        foreach (var name in (string[])["text", "number", "flag", "any", "struct", "other", "atomicStruct", "labels", "structs", "atomicMap", "items", "ports", "set", "list", "free"])
        {
            if (random.Next(5) == 0 && Value(name, random, depth) is { } value)
            {
                tree[name] = value;
            }
        }
        return tree;
    }

    private static JsonNode? Value(string name, Random random, int depth) => name switch
    {
        "text" => Text(random),
        "number" => random.Next(4),
        "flag" => random.Next(2) == 0,
        "any" => random.Next(2) == 0 ? random.Next(3) : Text(random),
        "struct" or "other" => depth > 0 ? Object(random, depth - 1) : null,
        "atomicStruct" => new JsonObject { [Text(random)] = random.Next(3) },
        "labels" or "atomicMap" => new JsonObject(Names(random).Select(n => KeyValuePair.Create<string, JsonNode?>(n, Text(random)))),
        "structs" => depth > 0 ? new JsonObject(Names(random).Select(n => KeyValuePair.Create<string, JsonNode?>(n, Object(random, depth - 1)))) : null,
        "items" => depth > 0 ? new JsonArray([.. Names(random).Select(n => Named(n, Object(random, depth - 1)))]) : null,
        "ports" => new JsonArray([.. Names(random).Select((_, i) => new JsonObject { ["port"] = i, ["protocol"] = Text(random) })]),
        "set" => new JsonArray([.. Names(random).Select(n => JsonValue.Create(n))]),
        "list" => new JsonArray(new JsonObject { ["text"] = Text(random) }),
        _ => random.Next(3) switch { 0 => Text(random), 1 => new JsonArray(1, Text(random)), _ => new JsonObject { [Text(random)] = Text(random) } },
    };

    private static JsonObject Named(string name, JsonObject tree)
    {
        tree["name"] = name;
        return tree;
    }

    private static string Text(Random random) => ((string[])["x", "y", "z"])[random.Next(3)];

    /// <summary>Up to four names in a random order.</summary>
    private static string[] Names(Random random)
    {
        var names = (string[])["a", "b", "c", "d"];
        random.Shuffle(names);
        return names[..random.Next(1, 5)];
    }
}
