using System.Text.Json;
using Serval.Api;
using Serval.ApiServer.Tables;

namespace Serval.ApiServer.Tests.Tables;

public sealed class JsonPathTests
{
    private const string Sample = """
        {"metadata":{"labels":{"serving.knative.dev/configuration":"hello"}},
         "status":{"n":3,"conditions":[{"type":"Ready","status":"True","size":9},{"type":"Live","status":"False","size":10,"list":[{"a":1}]}]}}
        """;

    [Theory]
    [InlineData(".status.n", "3")]
    [InlineData("{.status.n}", "3")]
    [InlineData("$.status.n", "3")]
    [InlineData(".status.conditions[?(@.type=='Ready')].status", "True")]
    [InlineData(".status.conditions[?(@.type==\"Live\")].status", "False")]
    [InlineData(".status.conditions[?(@.type!='Ready')].type", "Live")]
    [InlineData(".status.conditions[1].type", "Live")]
    [InlineData(".status.conditions[-1].type", "Live")]
    [InlineData(".status.conditions[*].type", "Ready")]
    [InlineData(@".metadata.labels['serving\.knative\.dev/configuration']", "hello")]
    [InlineData(@".metadata.labels.serving\.knative\.dev/configuration", "hello")]
    [InlineData(".status.conditions[?(@.status)].type", "Ready")]
    [InlineData(".status.conditions[?(@.absent)].type", "")]
    [InlineData(".status.conditions[?(@.list[?(@.a==1)])].type", "Live")]
    [InlineData(".status.conditions[?(@.size > 9)].type", "Live")]
    [InlineData(".status.conditions[?(@.size<=9)].type", "Ready")]
    [InlineData(".status.conditions[1:].type", "Live")]
    [InlineData(".status.conditions[-1:2].type", "Live")]
    [InlineData(".status.conditions[0:1].type", "Ready")]
    [InlineData(".status.conditions[1:1].type", "")]
    [InlineData(".status.conditions[::2].type", "Ready")]
    [InlineData(".status.conditions[7,1].type", "Live")]
    [InlineData(".status['m','n']", "3")]
    [InlineData(".status.absent.below", "")]
    [InlineData(".status.conditions[7].type", "")]
    public void First_Path_SelectsTheValue(string path, string expected)
    {
        using var document = JsonDocument.Parse(Sample);
        Assert.Equal(expected, JsonPath.Parse(path).First(document.RootElement).Text());
    }

    [Theory]
    [InlineData(".a[")]
    [InlineData(".a[x]")]
    [InlineData(".a['x")]
    [InlineData(".a[?(@.b]")]
    [InlineData(".a[?(@.b=1)]")]
    [InlineData(".a[0:1,2]")]
    [InlineData(".a[::0]")]
    [InlineData(".a[0,]")]
    [InlineData(".a..b")]
    public void Parse_Broken_NamesThePath(string path) =>
        Assert.Contains(path, Assert.Throws<FormatException>(() => JsonPath.Parse(path)).Message, StringComparison.Ordinal);
}
