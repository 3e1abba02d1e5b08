using Serval.Api.Fields;
using Serval.Api.Schema;
using static Serval.Api.Tests.Fields.TestTypes;

namespace Serval.Api.Tests.Fields;

public sealed class TableFieldTypesTests
{
    private static readonly FieldType s_deployment = TableFieldTypes.BuiltIn.Of(Schemas.For(Kinds.Deployment).Type);

    [Fact]
    public void FieldsOf_ADeployment_AreWhatAnApiServerWrites()
    {
        var tree = Tree("""
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","labels":{"app":"d"},"finalizers":["a/b"]},
             "spec":{"replicas":1,"selector":{"matchLabels":{"app":"d"}},"template":{"metadata":{"labels":{"app":"d"}},"spec":{
               "containers":[{"name":"c","image":"i","env":[{"name":"A","value":"1"}],"args":["x"],"ports":[{"containerPort":80}],
                 "resources":{"limits":{"cpu":1}},"volumeMounts":[{"mountPath":"/v","name":"v"}]}],
               "volumes":[{"name":"v","emptyDir":{}}],"nodeSelector":{"a":"b"},"tolerations":[{"key":"k"}]}}}}
            """);
        Assert.Empty(TypedTree.Problems(tree, s_deployment));
        Assert.Equal(Set("""
            {"f:apiVersion":{},"f:kind":{},"f:metadata":{"f:name":{},"f:labels":{"f:app":{}},"f:finalizers":{"v:\"a/b\"":{}}},
             "f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{
               "f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:image":{},"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}},
                 "f:args":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},
                 "f:resources":{"f:limits":{"f:cpu":{}}},"f:volumeMounts":{"k:{\"mountPath\":\"/v\"}":{".":{},"f:mountPath":{},"f:name":{}}}}},
               "f:volumes":{"k:{\"name\":\"v\"}":{".":{},"f:name":{},"f:emptyDir":{}}},"f:nodeSelector":{},"f:tolerations":{}}}}}
            """), TypedTree.FieldsOf(tree, s_deployment));
    }

    [Theory]
    [InlineData("""{"spec":{"foo":1}}""", ".spec.foo: field not declared in schema")]
    [InlineData("""{"spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"a"}]}}}}""", ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]")]
    public void Problems_AreThoseOfTheTable(string tree, string problem) => Assert.Equal([problem], TypedTree.Problems(Tree(tree), s_deployment));

    /// <summary>Containers of a Knative Service have no name as a rule, and ports no protocol that tells them apart.</summary>
    [Fact]
    public void Containers_OfACustomKind_AreOneField()
    {
        var type = TableFieldTypes.Custom.Of(Schemas.For(Kinds.KService).Type);
        var tree = Tree("""{"spec":{"template":{"spec":{"containers":[{"image":"i"},{"image":"j"}],"volumes":[{"name":"v"}]}}}}""");
        Assert.Empty(TypedTree.Problems(tree, type));
        Assert.Equal(
            Set("""{"f:spec":{"f:template":{"f:spec":{"f:containers":{},"f:volumes":{"k:{\"name\":\"v\"}":{".":{},"f:name":{}}}}}}}"""), TypedTree.FieldsOf(tree, type));
    }

    [Fact]
    public void EveryServedKind_HasTypesDownToTheLeaves()
    {
        foreach (var kind in Kinds.All)
        {
            var seen = new HashSet<string>();
            Walk(Schemas.For(kind).Type, seen);
            Assert.NotEmpty(seen);
        }

        static void Walk(TypeSchema type, HashSet<string> seen)
        {
            if (!seen.Add(type.FullName))
            {
                return;
            }
            var map = TableFieldTypes.BuiltIn.Of(type).Map!;
            foreach (var field in type.Fields)
            {
                var of = map.Field(field.Name)!;
                Assert.True(of.Map is not null || of.List is not null || of.Scalar != ScalarForm.None, field.Name);
                if (of.List is { IsAtomic: false, Keys: var keys } list)
                {
                    Assert.All(keys, k => Assert.NotNull(list.Item().Map!.Field(k)));
                }
                if ((field.Value.Type ?? field.Value.Item?.Type) is { } inner)
                {
                    Walk(inner, seen);
                }
            }
        }
    }
}
