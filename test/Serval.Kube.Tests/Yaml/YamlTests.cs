using System.Text.Json.Nodes;
using Serval.Kube.Yaml;
using YamlDotNet.Core;

namespace Serval.Kube.Tests.Yaml;

public sealed class YamlTests
{
    [Theory]
    [InlineData("a", "\"a\"")]
    [InlineData("'1'", "\"1\"")]
    [InlineData("\"true\"", "\"true\"")]
    [InlineData("1", "1")]
    [InlineData("-0", "0")]
    [InlineData("+12", "12")]
    [InlineData("012", "10")]
    [InlineData("-017", "-15")]
    [InlineData("08", "8")]
    [InlineData("1_000", "1000")]
    [InlineData("0b101", "5")]
    [InlineData("-0x10", "-16")]
    [InlineData("0xFFFFFFFFFFFFFFFF", "18446744073709551615")]
    [InlineData("0x1FFFFFFFFFFFFFFFF", "\"0x1FFFFFFFFFFFFFFFF\"")]
    [InlineData(".5_0", "\".5_0\"")]
    [InlineData("1.", "1")]
    [InlineData("0o17", "15")]
    [InlineData("0x1F", "31")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    [InlineData("1.5", "1.5")]
    [InlineData("1e3", "1000")]
    [InlineData(".5", "0.5")]
    [InlineData("1.0.0", "\"1.0.0\"")]
    [InlineData("500m", "\"500m\"")]
    [InlineData("6s", "\"6s\"")]
    [InlineData("yes", "true")]
    [InlineData("y", "true")]
    [InlineData("On", "true")]
    [InlineData("off", "false")]
    [InlineData("yEs", "\"yEs\"")]
    [InlineData("true", "true")]
    [InlineData("TRUE", "true")]
    [InlineData("tRue", "\"tRue\"")]
    [InlineData("~", "null")]
    [InlineData("null", "null")]
    [InlineData("!!str 12", "\"12\"")]
    [InlineData("! 12", "12")]
    [InlineData("2001-12-14", "\"2001-12-14\"")]
    [InlineData("12:30:45", "\"12:30:45\"")]
    [InlineData("|\n  a\n  b\n", "\"a\\nb\\n\"")]
    [InlineData(">-\n  a\n  b\n", "\"a b\"")]
    [InlineData("[a, 1, {b: ~}]", "[\"a\",1,{\"b\":null}]")]
    [InlineData("{\"a\": \"1\", b: 1}", "{\"a\":\"1\",\"b\":1}")]
    [InlineData("'12' ", "\"12\"")]
    public void Read_Scalars_AreReadAsKubectlReadsThem(string yaml, string json)
    {
        var node = Assert.Single(YamlReader.ReadAll(new StringReader("k: " + yaml)));

        Assert.Equal(json, node["k"]?.ToJsonString() ?? "null");
    }

    [Fact]
    public void Read_AnchorsAndMergeKeys_AreResolved()
    {
        var node = Assert.Single(YamlReader.ReadAll(new StringReader("base: &b {x: 1, w: 2}\none: {<<: *b, w: 3}\ntwo: {<<: [*b, {z: 4}]}\nthree: *b\n")));

        Assert.Equal("""{"base":{"x":1,"w":2},"one":{"w":3,"x":1},"two":{"x":1,"w":2,"z":4},"three":{"x":1,"w":2}}""", node.ToJsonString());
    }

    [Theory]
    [InlineData("a: 1\na: 2\n", "twice", 2)]
    [InlineData("a: .nan\n", "quote it", 1)]
    [InlineData("a: *none\n", "anchor", 1)]
    [InlineData("a: [1\n", "", 2)]
    [InlineData("a: !custom x\n", "tag", 1)]
    [InlineData("? [a]\n: 1\n", "scalar", 1)]
    [InlineData("~: 1\n", "null", 1)]
    public void Read_Mistake_NamesLineAndCause(string yaml, string cause, long line)
    {
        var error = Assert.ThrowsAny<YamlException>(() => YamlReader.ReadAll(new StringReader(yaml)));

        Assert.Contains(cause, error.Message, StringComparison.Ordinal);
        Assert.Equal(line, error.Start.Line);
    }

    [Fact]
    public void Read_AliasesOfAliases_AreBounded()
    {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(
            Enumerable.Range(1, 9).Select(i => $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));

        Assert.Throws<ExcessiveAliasException>(() => YamlReader.ReadAll(new StringReader(bomb)));
    }

    [Theory]
    [InlineData("a: &a 12345\nb: [*a, *a]\n", 9, true)]
    [InlineData("a: &a 'abcde'\nb: [*a, *a]\n", 10, true)]
    [InlineData("a: &a 'abcde'\nb: [*a, *a]\n", 9, false)]
    [InlineData("a: &a {abc: de}\nb: [*a, *a]\n", 10, true)]
    [InlineData("a: &a {abc: de}\nb: [*a, *a]\n", 9, false)]
    public void Read_TextOfAliases_IsBounded(string yaml, int most, bool taken)
    {
        if (taken)
        {
            Assert.Single(YamlReader.ReadAll(new StringReader(yaml), maxAliased: most));
        }
        else
        {
            Assert.Throws<ExcessiveAliasException>(() => YamlReader.ReadAll(new StringReader(yaml), maxAliased: most));
        }
    }

    [Fact]
    public void Read_KeysThatAreNoText_BecomeTheirText()
    {
        var node = Assert.Single(YamlReader.ReadAll(new StringReader("on: 1\n012: 2\n'012': 3\n")));

        Assert.Equal("""{"true":1,"10":2,"012":3}""", node.ToJsonString());
    }

    [Fact]
    public void Read_KeyThereTwice_TheLastCountsForWhoHearsOfIt()
    {
        var heard = new List<string>();

        var node = Assert.Single(YamlReader.ReadAll(new StringReader("a: 1\nb: 2\na: 3\n"), duplicate: heard.Add));

        Assert.Equal(("3", "line 3: key \"a\" already set in map"), (node["a"]!.ToJsonString(), Assert.Single(heard)));
    }

    [Theory]
    [InlineData("""{"a":"1","b":1,"c":"true","d":"yes","e":"","f":null,"g":[],"h":{},"i":"null","j":"~","k":1.5}""")]
    [InlineData("""{"a":"two\nlines","b":"trailing\n","c":" lead","d":"tail ","e":"#no","f":"a: b","g":"- x","h":"'q'","i":"\"q\"","j":"tab\t","k":"0x1F"}""")]
    [InlineData("""{"a":[{"b":[{"c":["x"]}]},[1,[2]]],"1":"key","true":"key","":"empty"}""")]
    [InlineData("""{"a":"é\u0001 ☃","b":"a\\b","c":"%x","d":"@x","e":"`x","f":"!x","g":"&x","h":"*x","i":"|","j":"2001-01-01","k":"  \nx"}""")]
    [InlineData("\"plain\"")]
    public void Write_ThenRead_GivesTheSame(string json)
    {
        var text = YamlText.Write(JsonNode.Parse(json));

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), Assert.Single(YamlReader.ReadAll(new StringReader(text)))), text);
    }

    [Fact]
    public void Write_Object_LooksLikeKubectls()
    {
        var text = YamlText.Write(JsonNode.Parse("""{"kind":"Pod","metadata":{"labels":{"a":"on"},"name":"x"},"spec":{"containers":[{"image":"i","name":"main"}]}}"""));

        Assert.Equal("kind: Pod\nmetadata:\n  labels:\n    a: \"on\"\n  name: x\nspec:\n  containers:\n  - image: i\n    name: main\n", text);
    }
}
