using Serval.Api.Schema;

namespace Serval.Api.Tests.Schema;

public sealed class FieldTableTests
{
    [Fact]
    public void Table_EveryTypeAndReference_Resolves()
    {
        var count = 0;
        foreach (var name in Schemas.AllTypes)
        {
            foreach (var field in Schemas.Resolve(name).Fields)
            {
                count++;
                for (var value = field.Value; value is not null; value = value.Item)
                {
                    Assert.True(value.Kind != ValueKind.Object || value.Type is not null, $"{name}.{field.Name}");
                }
            }
        }
        Assert.True(count > 1200, $"only {count} fields");
    }

    [Fact]
    public void Table_EveryType_HasNoFieldTwiceAndFindsEach()
    {
        foreach (var name in Schemas.AllTypes)
        {
            var type = Schemas.Resolve(name);
            Assert.Equal(type.Fields.Count, type.Fields.Select(f => f.Name).Distinct().Count());
            Assert.All(type.Fields, f => Assert.Same(f, type.Find(f.Name)));
            Assert.Null(type.Find("noSuchField"));
        }
    }

    [Fact]
    public void Table_MergeAndListKeys_AreFieldsOfTheItems()
    {
        foreach (var name in Schemas.AllTypes)
        {
            foreach (var field in Schemas.Resolve(name).Fields)
            {
                var keys = field.PatchMergeKey is null ? field.ListMapKeys : [.. field.ListMapKeys, field.PatchMergeKey];
                Assert.All(keys, k => Assert.NotNull(field.Value.Item?.Type?.Find(k)));
            }
        }
    }

    [Fact]
    public void Schemas_EveryServedKind_HasASchemaWithMetadata()
    {
        Assert.All(Kinds.All, kind =>
        {
            var type = Schemas.For(kind).Type;
            Assert.True(type.IsKind);
            Assert.Same(Schemas.ObjectMeta, type.Find("metadata")!.Value.Type);
            Assert.NotEqual("", type.Doc);
            // A ClusterDomainClaim has the subresource and nothing in it, as upstream's definition says.
            Assert.Equal(kind.HasStatus && kind != Kinds.ClusterDomainClaim, type.Find("status") is not null);
        });
    }

    [Fact]
    public void Table_EveryTypeAndTopLevelSpecField_IsExplained()
    {
        Assert.All(Schemas.AllTypes, t => Assert.NotEqual("", Schemas.Resolve(t).Doc));
        var missing = Kinds.All.Select(k => Schemas.For(k).Type.Find("spec")?.Value.Type).OfType<TypeSchema>()
            .SelectMany(t => t.Fields.Where(f => f.Doc.Length == 0).Select(f => $"{t.Name}.{f.Name}")).Distinct();
        Assert.Equal([], missing);
    }

    [Theory]
    [InlineData("core.PodSpec", "containers", "name", PatchStrategy.Merge, ListKind.Map, "name")]
    [InlineData("core.PodSpec", "initContainers", "name", PatchStrategy.Merge, ListKind.Map, "name")]
    [InlineData("core.PodSpec", "volumes", "name", PatchStrategy.Merge | PatchStrategy.RetainKeys, ListKind.Map, "name")]
    [InlineData("core.PodSpec", "tolerations", null, PatchStrategy.Replace, ListKind.Atomic, "")]
    [InlineData("core.PodSpec", "imagePullSecrets", "name", PatchStrategy.Merge, ListKind.Map, "name")]
    [InlineData("core.Container", "ports", "containerPort", PatchStrategy.Merge, ListKind.Map, "containerPort,protocol")]
    [InlineData("core.Container", "env", "name", PatchStrategy.Merge, ListKind.Map, "name")]
    [InlineData("core.Container", "args", null, PatchStrategy.Replace, ListKind.Atomic, "")]
    [InlineData("core.Container", "volumeMounts", "mountPath", PatchStrategy.Merge, ListKind.Map, "mountPath")]
    [InlineData("core.ServiceSpec", "ports", "port", PatchStrategy.Merge, ListKind.Map, "port,protocol")]
    [InlineData("core.PodStatus", "conditions", "type", PatchStrategy.Merge, ListKind.Map, "type")]
    [InlineData("apps.DeploymentStatus", "conditions", "type", PatchStrategy.Merge, ListKind.Map, "type")]
    [InlineData("meta.ObjectMeta", "ownerReferences", "uid", PatchStrategy.Merge, ListKind.Map, "uid")]
    [InlineData("meta.ObjectMeta", "finalizers", null, PatchStrategy.Merge, ListKind.Set, "")]
    [InlineData("apps.DeploymentSpec", "strategy", null, PatchStrategy.RetainKeys, ListKind.Atomic, "")]
    [InlineData("serving.RevisionSpec", "containers", "name", PatchStrategy.Merge, ListKind.Map, "name")]
    public void Table_WellKnownFields_MergeAsUpstream(string type, string field, string? mergeKey, PatchStrategy strategy, ListKind list, string keys)
    {
        var schema = Schemas.Resolve(type).Find(field)!;
        Assert.Equal(mergeKey, schema.PatchMergeKey);
        Assert.Equal(strategy, schema.PatchStrategy);
        Assert.Equal(list, schema.ListKind);
        Assert.Equal(keys, string.Join(',', schema.ListMapKeys));
    }

    [Fact]
    public void Table_AtomicObjectsAndDefaults_AreMarked()
    {
        Assert.True(Schemas.Resolve("meta.LabelSelector").IsAtomic);
        Assert.True(Schemas.Resolve("core.ServiceSpec").Find("selector")!.AtomicMap);
        Assert.True(Schemas.Resolve("core.PodSpec").Find("nodeSelector")!.AtomicMap);
        Assert.Equal("TCP", Schemas.Resolve("core.ContainerPort").Find("protocol")!.Default);
        Assert.Equal("TCP", Schemas.Resolve("core.ServicePort").Find("protocol")!.Default);
        Assert.True(Schemas.Resolve("apps.DeploymentSpec").Find("selector")!.Immutable);
        Assert.True(Schemas.Resolve("core.Container").Find("name")!.Required);
    }

    [Fact]
    public void Kinds_EachKind_IsFoundByItsNames()
    {
        Assert.All(Kinds.All, kind =>
        {
            Assert.Same(kind, Kinds.Find(kind.ApiVersion, kind.Kind));
            Assert.Same(kind, Kinds.FindPlural(kind.Group, kind.Version, kind.Plural));
            Assert.Null(Kinds.Find(kind.ApiVersion + "x", kind.Kind));
            Assert.Null(Kinds.Find("x" + kind.ApiVersion[1..], kind.Kind));
        });
    }

    [Fact]
    public void Schemas_KindsThatAreNotServed_AreFound()
    {
        Assert.Equal("Scale", Schemas.Find("autoscaling/v1", "Scale")!.Name);
        Assert.Equal("DeleteOptions", Schemas.Find("v1", "DeleteOptions")!.Name);
        Assert.Equal("v1.PodSpec", Schemas.Resolve("core.PodSpec").GoName);
        Assert.Null(Schemas.Find("v1", "Nothing"));
    }
}
