using System.Text;
using System.Text.Json;
using Serval.Api.Core;

namespace Serval.Api.Tests.Meta;

/// <summary>Metadata is read by hand; the whole of it, and nothing that has not its form.</summary>
public sealed class ObjectMetaTests
{
    private const string Full = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"a":"1"},"creationTimestamp":"2026-01-31T08:00:00Z","deletionGracePeriodSeconds":30,"deletionTimestamp":"2026-01-31T08:00:30Z",
        "finalizers":["f/a","f/b"],"generateName":"p-","generation":7,"labels":{"b":"2"},"managedFields":[{"fieldsV1":{"f:metadata":{"f:name":{}}},"manager":"m"}],"name":"p-1","namespace":"n",
        "ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":false,"controller":true,"extra":{"name":"no"},"kind":"ReplicaSet","name":"r","uid":"u1"},{"kind":"Job"}],
        "resourceVersion":"42","selfLink":"/x","uid":"u"},"spec":{"metadata":{"name":"no"},"name":"no"}}
        """;

    [Fact]
    public void EveryField_IsRead()
    {
        var obj = Parse(Full);
        Assert.Equal(("v1", "Pod"), (obj.ApiVersion, obj.Kind));
        foreach (var meta in (ObjectMeta[])[obj.Metadata, obj.As<Pod>().Metadata, KubeObject.FromCanonical(obj.Json.ToArray()).Metadata])
        {
            var at = new DateTimeOffset(2026, 1, 31, 8, 0, 0, TimeSpan.Zero);
            Assert.Equal(("p-1", "n", "u", "p-", "42", 7L), (meta.Name, meta.Namespace, meta.Uid, meta.GenerateName, meta.ResourceVersion, meta.Generation));
            Assert.Equal((at, at.AddSeconds(30), 30L), (meta.CreationTimestamp, meta.DeletionTimestamp, meta.DeletionGracePeriodSeconds));
            Assert.Equal(("1", "2"), (meta.Annotation("a"), meta.Label("b")));
            Assert.Equal(["f/a", "f/b"], meta.Finalizers);
            Assert.Equal(
                [new OwnerReference { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "r", Uid = "u1", Controller = true, BlockOwnerDeletion = false }, new OwnerReference { Kind = "Job" }],
                meta.OwnerReferences);
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"annotations":null,"creationTimestamp":null,"finalizers":null,"generation":null,"labels":null,"name":null,"ownerReferences":null,"uid":null}""")]
    public void WhatIsNotThere_IsEmpty(string metadata)
    {
        var meta = Parse($$"""{"metadata":{{metadata}}}""").Metadata;
        Assert.Equal(("", "", 0L, null), (meta.Name, meta.Uid, meta.Generation, meta.CreationTimestamp));
        Assert.Empty(meta.Labels);
        Assert.Empty(meta.Annotations);
        Assert.Empty(meta.Finalizers);
        Assert.Empty(meta.OwnerReferences);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"a\"")]
    [InlineData("""{"name":{}}""")]
    [InlineData("""{"generation":1.5}""")]
    [InlineData("""{"generation":"1"}""")]
    [InlineData("""{"creationTimestamp":"soon"}""")]
    [InlineData("""{"creationTimestamp":1}""")]
    [InlineData("""{"finalizers":"a"}""")]
    [InlineData("""{"finalizers":[1]}""")]
    [InlineData("""{"ownerReferences":{}}""")]
    [InlineData("""{"ownerReferences":[null]}""")]
    [InlineData("""{"ownerReferences":[{"controller":"true"}]}""")]
    public void WhatHasAnotherForm_IsRefused(string metadata) => Assert.Throws<JsonException>(() => Parse($$"""{"metadata":{{metadata}}}"""));

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"metadata":{"name":"a"},"spec":{""")]
    [InlineData("""{"metadata":{"name":"a"},"spec":{"a":tru}}""")]
    [InlineData("""{"metadata":{"name":"a"}}{}""")]
    public void BytesOfTheStore_AreLookedAtToTheirEnd(string json) => Assert.ThrowsAny<JsonException>(() => KubeObject.FromCanonical(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{"metadata":{"resourceVersion":"\ud800"}}""")]
    [InlineData("""{"kind":"\ud800"}""")]
    [InlineData("{\"metadata\":{\"name\":\"a\u00ff\"}}")]
    [InlineData("{\"metadata\":{\"labels\":{\"a\":\"\u00ff\"}}}")]
    public void TextThatIsNone_IsRefused(string json) => Assert.Throws<JsonException>(() => KubeObject.FromCanonical(Encoding.Latin1.GetBytes(json)));

    private static KubeObject Parse(string json) => KubeObject.Parse(Encoding.UTF8.GetBytes(json));
}
