using System.Text.Json.Nodes;
using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

public sealed class CrdGeneratorTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 31, 8, 0, 0, TimeSpan.Zero);

    public static TheoryData<string> CustomKinds => [.. Kinds.All.Where(k => k.IsCustom).Select(k => k.ResourceName)];

    [Theory]
    [MemberData(nameof(CustomKinds))]
    public void CustomKind_HasAStrictlyValidDefinition(string name)
    {
        var kind = Kinds.All.Single(k => k.ResourceName == name);
        var crd = CrdGenerator.Outline(kind).With(tree => (tree["spec"], tree["status"]) = (CrdGenerator.Spec(kind), CrdGenerator.Status(kind, s_start)));

        var decoded = StrictDecoder.Decode(Kinds.CustomResourceDefinition, crd.Json);
        Assert.Empty(decoded.Warnings);
        Assert.Empty(decoded.Errors);
        Assert.True(KubeObject.From(decoded.Tree).SameAs(crd));

        var tree = crd.ToTree();
        Assert.Equal(name, crd.Metadata.Name);
        var spec = tree["spec"]!;
        Assert.Equal(kind.Kind, spec["names"]!["kind"]!.GetValue<string>());
        Assert.Equal(kind.ShortNames, spec["names"]!["shortNames"]?.AsArray().Select(n => n!.GetValue<string>()) ?? []);
        Assert.Equal(kind.Columns.Count, spec["versions"]![0]!["additionalPrinterColumns"]?.AsArray().Count ?? 0);
        Assert.All(tree["status"]!["conditions"]!.AsArray(), c => Assert.Equal("True", c!["status"]!.GetValue<string>()));
        Assert.Equal("2026-01-31T08:00:00Z", tree["status"]!["conditions"]![0]!["lastTransitionTime"]!.GetValue<string>());
        Assert.InRange(crd.Json.Length, 1000, 100_000);
    }

    /// <summary>An API server that knows the schema alone must take what Knative fills in later.</summary>
    [Fact]
    public void StructuralSchema_OfAService_RequiresNothingThatIsFilledIn()
    {
        var container = At(CrdGenerator.StructuralSchema(Kinds.KService), "spec", "template", "spec", "containers");
        Assert.Null(container["required"]);
        Assert.Null(At(container, "ports")["required"]);
        foreach (var action in (string[])["httpGet", "tcpSocket", "grpc"])
        {
            Assert.Null(At(container, "readinessProbe", action)["required"]);
        }
        Assert.Equal("""["name"]""", At(container, "env")["required"]!.ToJsonString());

        static JsonObject At(JsonObject schema, params string[] path) => path.Aggregate(schema, (s, name) => s["properties"]![name]! is var next && next["items"] is JsonObject items ? items : next.AsObject());
    }

    [Theory]
    [MemberData(nameof(CustomKinds))]
    public void StructuralSchema_EveryNode_HasATypeOrKeepsAll(string name)
    {
        Check(CrdGenerator.StructuralSchema(Kinds.All.Single(k => k.ResourceName == name)), "");

        static void Check(JsonObject schema, string path)
        {
            Assert.True(
                schema.ContainsKey("type") || schema.ContainsKey("x-kubernetes-int-or-string") || schema.ContainsKey("x-kubernetes-preserve-unknown-fields"), path);
            Assert.False(schema.ContainsKey("$ref"), path);
            foreach (var (key, value) in schema["properties"]?.AsObject() ?? [])
            {
                Check(value!.AsObject(), $"{path}.{key}");
            }
            foreach (var member in (string[])["items", "additionalProperties"])
            {
                if (schema[member] is JsonObject nested)
                {
                    Check(nested, path + "[]");
                }
            }
        }
    }
}
