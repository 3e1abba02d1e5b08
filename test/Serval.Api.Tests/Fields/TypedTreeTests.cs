using System.Text.Json.Nodes;
using Serval.Api.Fields;
using static Serval.Api.Tests.Fields.TestTypes;

namespace Serval.Api.Tests.Fields;

public sealed class TypedTreeTests
{
    [Theory]
    [InlineData("""{"text":"a","number":1}""", """{"f:text":{},"f:number":{}}""")]
    [InlineData("""{"struct":{"text":"a"}}""", """{"f:struct":{"f:text":{}}}""")]
    [InlineData("""{"struct":{}}""", """{"f:struct":{}}""")]
    [InlineData("""{"struct":null}""", """{"f:struct":{}}""")]
    [InlineData("""{"text":null}""", """{"f:text":{}}""")]
    [InlineData("""{"labels":{"a":"1","b":"2"}}""", """{"f:labels":{"f:a":{},"f:b":{}}}""")]
    [InlineData("""{"structs":{"x":{"text":"a"}}}""", """{"f:structs":{"f:x":{".":{},"f:text":{}}}}""")]
    [InlineData("""{"atomicMap":{"a":"1"},"atomicStruct":{"x":1}}""", """{"f:atomicMap":{},"f:atomicStruct":{}}""")]
    [InlineData("""{"list":[{"text":"a"}]}""", """{"f:list":{}}""")]
    [InlineData("""{"list":[]}""", """{"f:list":{}}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"}]}""", """{"f:items":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:text":{}}}}""")]
    [InlineData("""{"items":[]}""", "{}")]
    [InlineData("""{"ports":[{"port":80}]}""", """{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}""")]
    [InlineData("""{"set":["a",1,true]}""", """{"f:set":{"v:\"a\"":{},"v:1":{},"v:true":{}}}""")]
    [InlineData("""{"set":["a","a"]}""", """{"f:set":{"v:\"a\"":{}}}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"},{"name":"a","text":"y"}]}""", """{"f:items":{"k:{\"name\":\"a\"}":{}}}""")]
    [InlineData("""{"free":{"a":{"b":1,"c":[1,{"d":2}]},"e":{}}}""", """{"f:free":{"f:a":{".":{},"f:b":{},"f:c":{}},"f:e":{}}}""")]
    [InlineData("""{"free":"scalar"}""", """{"f:free":{}}""")]
    public void FieldsOf_IsWhatTheTreeHasAnOpinionOn(string tree, string set) => Assert.Equal(Set(set), TypedTree.FieldsOf(Tree(tree), All));

    [Theory]
    [InlineData("""{"text":"a"}""", """{"text":"a"}""", "{}", "{}", "{}")]
    [InlineData("""{"text":"a"}""", """{"text":"b"}""", "{}", """{"f:text":{}}""", "{}")]
    [InlineData("""{}""", """{"text":"b"}""", """{"f:text":{}}""", "{}", "{}")]
    [InlineData("""{"text":"a"}""", """{}""", "{}", "{}", """{"f:text":{}}""")]
    [InlineData("""{}""", """{"struct":{"text":"b"}}""", """{"f:struct":{".":{},"f:text":{}}}""", "{}", "{}")]
    [InlineData("""{"struct":{"text":"b"}}""", """{}""", "{}", "{}", """{"f:struct":{".":{},"f:text":{}}}""")]
    [InlineData("""{"struct":{}}""", """{"struct":{"text":"b"}}""", """{"f:struct":{"f:text":{}}}""", "{}", "{}")]
    [InlineData("""{"struct":{}}""", """{"struct":null}""", "{}", """{"f:struct":{}}""", "{}")]
    [InlineData("""{"number":1}""", """{"number":1.0}""", "{}", "{}", "{}")]
    [InlineData("""{"labels":{"a":"1","b":"2"}}""", """{"labels":{"b":"3","c":"4"}}""", """{"f:labels":{"f:c":{}}}""", """{"f:labels":{"f:b":{}}}""", """{"f:labels":{"f:a":{}}}""")]
    [InlineData("""{"atomicMap":{"a":"1"}}""", """{"atomicMap":{"a":"2"}}""", "{}", """{"f:atomicMap":{}}""", "{}")]
    [InlineData("""{"list":[1]}""", """{"list":[1,2]}""", "{}", """{"f:list":{}}""", "{}")]
    [InlineData("""{"items":[{"name":"a","text":"x"},{"name":"b"}]}""", """{"items":[{"name":"b"},{"name":"a","text":"y"}]}""", "{}", """{"f:items":{"k:{\"name\":\"a\"}":{"f:text":{}}}}""", "{}")]
    [InlineData("""{"items":[{"name":"a"}]}""", """{"items":[{"name":"b","text":"y"}]}""", """{"f:items":{"k:{\"name\":\"b\"}":{".":{},"f:name":{},"f:text":{}}}}""", "{}", """{"f:items":{"k:{\"name\":\"a\"}":{".":{},"f:name":{}}}}""")]
    [InlineData("""{"set":[1,2]}""", """{"set":[3,2]}""", """{"f:set":{"v:3":{}}}""", "{}", """{"f:set":{"v:1":{}}}""")]
    [InlineData("""{"set":[]}""", """{"set":[3]}""", """{"f:set":{"v:3":{}}}""", "{}", "{}")]
    [InlineData("""{}""", """{"set":[3]}""", """{"f:set":{".":{},"v:3":{}}}""", "{}", "{}")]
    [InlineData("""{"set":[1,1]}""", """{"set":[1,1]}""", "{}", "{}", "{}")]
    [InlineData("""{"set":[1]}""", """{"set":[1,1]}""", """{"f:set":{"v:1":{}}}""", "{}", """{"f:set":{"v:1":{}}}""")]
    [InlineData("""{"set":[1,1]}""", """{"set":[1]}""", """{"f:set":{"v:1":{}}}""", "{}", """{"f:set":{"v:1":{}}}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"},{"name":"a"}]}""", """{"items":[{"name":"a","text":"y"},{"name":"a"}]}""", "{}", """{"f:items":{"k:{\"name\":\"a\"}":{}}}""", "{}")]
    [InlineData("""{"free":{"a":1}}""", """{"free":{"a":{"b":1}}}""", """{"f:free":{"f:a":{"f:b":{}}}}""", """{"f:free":{"f:a":{}}}""", "{}")]
    [InlineData("""{"free":{"a":[1]}}""", """{"free":{"a":[2]}}""", "{}", """{"f:free":{"f:a":{}}}""", "{}")]
    public void Compare_TellsAddedModifiedRemoved(string before, string after, string added, string modified, string removed)
    {
        var difference = TypedTree.Compare(Tree(before), Tree(after), All);
        Assert.Equal(Set(added), difference.Added);
        Assert.Equal(Set(modified), difference.Modified);
        Assert.Equal(Set(removed), difference.Removed);
    }

    [Theory]
    [InlineData("""{"text":"a","number":1}""", """{"text":"b"}""", """{"text":"b","number":1}""")]
    [InlineData("""{"text":"a"}""", """{"text":null}""", """{"text":null}""")]
    [InlineData("""{"struct":{"text":"a"}}""", """{"struct":{"number":1}}""", """{"struct":{"text":"a","number":1}}""")]
    [InlineData("""{"struct":{"text":"a"}}""", """{"struct":null}""", """{"struct":{"text":"a"}}""")]
    [InlineData("""{"struct":{}}""", """{"struct":null}""", """{"struct":null}""")]
    [InlineData("""{"atomicMap":{"a":"1"}}""", """{"atomicMap":{"b":"1"}}""", """{"atomicMap":{"b":"1"}}""")]
    [InlineData("""{"list":[1]}""", """{"list":[2,3]}""", """{"list":[2,3]}""")]
    [InlineData("""{"list":[1]}""", """{}""", """{"list":[1]}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"}]}""", """{"items":[{"name":"a","number":1},{"name":"b"}]}""", """{"items":[{"name":"a","text":"x","number":1},{"name":"b"}]}""")]
    [InlineData("""{"items":[{"name":"a"}]}""", """{"items":[]}""", """{"items":[{"name":"a"}]}""")]
    [InlineData("""{"items":[]}""", """{"items":[]}""", """{"items":[]}""")]
    [InlineData("""{"set":[1,2,3]}""", """{"set":[3,1]}""", """{"set":[2,3,1]}""")]
    [InlineData("""{"set":[1,2,3]}""", """{"set":[2,4]}""", """{"set":[1,2,3,4]}""")]
    [InlineData("""{"set":[1,2,3]}""", """{"set":[3,2,1]}""", """{"set":[3,2,1]}""")]
    [InlineData("""{"set":["a","b","c"]}""", """{"set":["x","b","y"]}""", """{"set":["a","x","b","c","y"]}""")]
    [InlineData("""{"set":[1,1,2]}""", """{"set":[1,3]}""", """{"set":[1,3,2]}""")]
    [InlineData("""{"set":[1,1,2]}""", """{"set":[3]}""", """{"set":[1,1,2,3]}""")]
    [InlineData("""{"ports":[{"port":80,"protocol":"TCP","name":"a"}]}""", """{"ports":[{"port":80,"name":"b"}]}""", """{"ports":[{"port":80,"protocol":"TCP","name":"b"}]}""")]
    [InlineData("""{"free":{"a":{"b":1}}}""", """{"free":{"a":{"c":[1]},"d":"x"}}""", """{"free":{"a":{"b":1,"c":[1]},"d":"x"}}""")]
    [InlineData("""{"free":{"a":{"b":1}}}""", """{"free":{"a":[2]}}""", """{"free":{"a":[2]}}""")]
    [InlineData("""{"free":{"a":1}}""", """{"free":{"a":{"b":2}}}""", """{"free":{"a":{"b":2}}}""")]
    public void Merge_LaysTheConfigurationOverTheLiveTree(string live, string config, string expected) =>
        AssertTree(expected, TypedTree.Merge(Tree(live), Tree(config), All));

    [Theory]
    [InlineData("""{"text":"a","number":1}""", """{"f:text":{}}""", """{"number":1}""")]
    [InlineData("""{"text":"a"}""", """{"f:text":{}}""", """{}""")]
    [InlineData("""{"struct":{"text":"a","number":1}}""", """{"f:struct":{"f:text":{}}}""", """{"struct":{"number":1}}""")]
    [InlineData("""{"struct":{"text":"a"}}""", """{"f:struct":{"f:text":{}}}""", """{"struct":null}""")]
    [InlineData("""{"struct":{"text":"a"}}""", """{"f:struct":{}}""", """{}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"},{"name":"b"}]}""", """{"f:items":{"k:{\"name\":\"a\"}":{}}}""", """{"items":[{"name":"b"}]}""")]
    [InlineData("""{"items":[{"name":"a","text":"x"}]}""", """{"f:items":{"k:{\"name\":\"a\"}":{"f:text":{}}}}""", """{"items":[{"name":"a"}]}""")]
    [InlineData("""{"items":[{"name":"a"}]}""", """{"f:items":{"k:{\"name\":\"a\"}":{}}}""", """{"items":null}""")]
    [InlineData("""{"set":[1,2]}""", """{"f:set":{"v:1":{},"v:7":{}}}""", """{"set":[2]}""")]
    [InlineData("""{"list":[1]}""", """{"f:list":{}}""", """{}""")]
    [InlineData("""{"list":[1]}""", """{"f:list":{"i:0":{}}}""", """{"list":null}""")]
    [InlineData("""{"labels":{"a":"1","b":"2"},"text":"a"}""", """{"f:labels":{"f:a":{}}}""", """{"labels":{"b":"2"},"text":"a"}""")]
    [InlineData("""{"free":{"a":{"b":1,"c":2}}}""", """{"f:free":{"f:a":{"f:b":{}}}}""", """{"free":{"a":{"c":2}}}""")]
    public void Remove_TakesMembersOut(string tree, string set, string expected) => AssertTree(expected, TypedTree.Remove(Tree(tree), Set(set), All));

    [Theory]
    [InlineData("""{"foo":1}""", ".foo: field not declared in schema")]
    [InlineData("""{"struct":{"items":[{"name":"a","foo":{}}]}}""", ".struct.items[name=\"a\"].foo: field not declared in schema")]
    [InlineData("""{"number":"1"}""", ".number: expected numeric (int or float), got string")]
    [InlineData("""{"text":1}""", ".text: expected string, got number")]
    [InlineData("""{"flag":{}}""", ".flag: expected boolean, got a map")]
    [InlineData("""{"any":[]}""", ".any: expected any scalar, got a list")]
    [InlineData("""{"struct":"x"}""", ".struct: expected map, got string")]
    [InlineData("""{"items":{}}""", ".items: expected list, got a map")]
    [InlineData("""{"list":[{"foo":1}]}""", ".list[0].foo: field not declared in schema")]
    [InlineData("""{"items":[{"text":"a"}]}""", ".items: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have default values for any key fields)")]
    [InlineData("""{"items":["a"]}""", ".items: element 0: associative list with keys may not have non-map elements")]
    [InlineData("""{"items":[null]}""", ".items: element 0: associative list with keys may not have a null element")]
    [InlineData("""{"items":[{"name":["a"]}]}""", ".items: element 0: the key field name of a list's element is no scalar")]
    [InlineData("""{"items":[{"name":"a"},{"name":"a"}]}""", ".items: duplicate entries for key [name=\"a\"]")]
    [InlineData("""{"ports":[{"port":80},{"port":80,"protocol":"TCP"}]}""", ".ports: duplicate entries for key [port=80,protocol=\"TCP\"]")]
    [InlineData("""{"set":[1,1]}""", ".set: duplicate entries for key [=1]")]
    [InlineData("""{"set":[{}]}""", ".set: element 0: associative list without keys has an element that's a map type")]
    [InlineData("""{"set":[[]]}""", ".set: element 0: not supported: associative list with lists as elements")]
    [InlineData("""{"set":[null]}""", ".set: element 0: associative list without keys has an element that's an explicit null")]
    public void Problems_SayWhereAndWhat(string tree, string problem) => Assert.Equal([problem], TypedTree.Problems(Tree(tree), All));

    [Fact]
    public void Problems_OfManyWrongFields_AreBounded()
    {
        var tree = new JsonObject(Enumerable.Range(0, 1000).Select(i => KeyValuePair.Create<string, JsonNode?>($"x{i}", 1)));
        Assert.Equal(100, TypedTree.Problems(tree, All).Count);
    }

    [Fact]
    public void Problems_OfARightTree_AreNone() => Assert.Empty(TypedTree.Problems(
        Tree("""{"text":null,"struct":null,"items":null,"free":{"a":[{"b":null}]},"ports":[{"port":1},{"port":1,"protocol":"UDP"}],"labels":{"a":"b"},"any":true}"""), All));

    [Fact]
    public void Operations_OnALiveListWhoseItemsCannotBeToldApart_SaySo()
    {
        var broken = Tree("""{"items":[{"text":"a"}]}""");
        Assert.Throws<FormatException>(() => TypedTree.Compare(broken, Tree("{}"), All));
        Assert.Throws<FormatException>(() => TypedTree.FieldsOf(broken, All));
        Assert.Throws<FormatException>(() => TypedTree.Merge(broken, Tree("""{"items":[{"name":"a"}]}"""), All));
    }

    private static void AssertTree(string expected, JsonObject actual) =>
        Assert.True(JsonNode.DeepEquals(Tree(expected), actual), $"expected {expected}, got {actual.ToJsonString()}");
}
