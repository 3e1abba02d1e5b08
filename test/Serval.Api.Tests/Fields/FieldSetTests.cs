using Serval.Api.Fields;

namespace Serval.Api.Tests.Fields;

public sealed class FieldSetTests
{
    [Theory]
    [InlineData("""{"f:a":{}}""", """{"f:b":{}}""", """{"f:a":{},"f:b":{}}""", "{}", """{"f:a":{}}""", """{"f:a":{}}""")]
    [InlineData("""{"f:a":{}}""", """{"f:a":{"f:b":{}}}""", """{"f:a":{".":{},"f:b":{}}}""", "{}", """{"f:a":{}}""", """{"f:a":{}}""")]
    [InlineData("""{"f:a":{"f:b":{}}}""", """{"f:a":{}}""", """{"f:a":{".":{},"f:b":{}}}""", "{}", """{"f:a":{"f:b":{}}}""", "{}")]
    [InlineData("""{"f:a":{".":{},"f:b":{},"f:c":{}}}""", """{"f:a":{"f:b":{}}}""", """{"f:a":{".":{},"f:b":{},"f:c":{}}}""", """{"f:a":{"f:b":{}}}""", """{"f:a":{".":{},"f:c":{}}}""", """{"f:a":{".":{},"f:c":{}}}""")]
    [InlineData("""{"k:{\"name\":\"x\"}":{"f:y":{}}}""", """{"k:{\"name\":\"x\"}":{"f:y":{}}}""", """{"k:{\"name\":\"x\"}":{"f:y":{}}}""", """{"k:{\"name\":\"x\"}":{"f:y":{}}}""", "{}", "{}")]
    [InlineData("""{"v:1":{},"v:\"1\"":{}}""", """{"v:1":{},"i:1":{}}""", """{"i:1":{},"v:\"1\"":{},"v:1":{}}""", """{"v:1":{}}""", """{"v:\"1\"":{}}""", """{"v:\"1\"":{}}""")]
    public void Sets_UnionIntersectionDifferences_AreOfMembers(string a, string b, string union, string intersection, string difference, string trees)
    {
        var (left, right) = (TestTypes.Set(a), TestTypes.Set(b));
        Assert.Equal(TestTypes.Set(union), left.Union(right));
        Assert.Equal(TestTypes.Set(intersection), left.Intersect(right));
        Assert.Equal(TestTypes.Set(difference), left.Except(right));
        Assert.Equal(TestTypes.Set(trees), left.ExceptTrees(right));
        Assert.Equal(left.Union(right).GetHashCode(), right.Union(left).GetHashCode());
    }

    /// <summary>The order of conflicts that people read: of each level all members, then what is below.</summary>
    [Fact]
    public void Paths_OfALevel_ComeBeforeThoseBelow() => Assert.Equal(
        ".b\n.spec\n.spec.z\n.spec.a.b.c", TestTypes.Set("""{"f:b":{},"f:spec":{".":{},"f:a":{"f:b":{"f:c":{}}},"f:z":{}}}""").ToString());

    [Fact]
    public void Has_NeedsMembershipNotAPathBelow()
    {
        var set = TestTypes.Set("""{"f:a":{"f:b":{".":{},"f:c":{}}}}""");
        Assert.False(set.Has(PathElement.Field("a")));
        Assert.True(set.Has(PathElement.Field("a"), PathElement.Field("b")));
        Assert.True(set.Has(PathElement.Field("a"), PathElement.Field("b"), PathElement.Field("c")));
        Assert.False(set.Has(PathElement.Field("a"), PathElement.Field("b"), PathElement.Field("d")));
        Assert.False(set.Has());
        Assert.Equal(".a.b\n.a.b.c", set.ToString());
        Assert.Equal(set, FieldSet.OfFields("a", "b").Union(FieldSet.OfFields("a", "b", "c")));
    }

    [Theory]
    [InlineData("""{"f:struct":{"f:text":{}}}""", """{"f:struct":{".":{},"f:text":{}}}""")]
    [InlineData("""{"f:labels":{"f:app":{}}}""", """{"f:labels":{".":{},"f:app":{}}}""")]
    [InlineData("""{"f:structs":{"f:x":{"f:struct":{"f:text":{}}}}}""", """{"f:structs":{".":{},"f:x":{"f:struct":{".":{},"f:text":{}}}}}""")]
    [InlineData("""{"f:items":{"k:{\"name\":\"a\"}":{"f:struct":{"f:text":{}}}}}""", """{"f:items":{".":{},"k:{\"name\":\"a\"}":{"f:struct":{".":{},"f:text":{}}}}}""")]
    [InlineData("""{"f:free":{"f:a":{"f:b":{}}}}""", """{"f:free":{".":{},"f:a":{"f:b":{}}}}""")]
    [InlineData("""{"f:unknown":{"f:a":{}}}""", """{"f:unknown":{"f:a":{}}}""")]
    public void WithNamedFields_DeclaredInteriorFields_BecomeMembers(string set, string expected) =>
        Assert.Equal(TestTypes.Set(expected), TestTypes.Set(set).WithNamedFields(TestTypes.All));

    [Theory]
    [InlineData("""{"f:atomicStruct":{"f:a":{},"f:b":{}},"f:text":{}}""", """{"f:atomicStruct":{},"f:text":{}}""")]
    [InlineData("""{"f:atomicMap":{".":{},"f:b":{}}}""", """{"f:atomicMap":{}}""")]
    [InlineData("""{"f:list":{"k:{\"name\":\"a\"}":{".":{}}}}""", """{"f:list":{}}""")]
    [InlineData("""{"f:items":{"k:{\"name\":\"a\"}":{".":{},"f:atomicMap":{"f:x":{}}}}}""", """{"f:items":{"k:{\"name\":\"a\"}":{".":{},"f:atomicMap":{}}}}""")]
    [InlineData("""{"f:struct":{}}""", """{"f:struct":{}}""")]
    [InlineData("""{"f:free":{"f:a":{"f:b":{}}},"f:gone":{"f:x":{}}}""", """{"f:free":{"f:a":{"f:b":{}}},"f:gone":{"f:x":{}}}""")]
    public void SettledBy_WhatBecameAtomic_IsOwnedWhole(string set, string expected) =>
        Assert.Equal(TestTypes.Set(expected), TestTypes.Set(set).SettledBy(TestTypes.All));
}
