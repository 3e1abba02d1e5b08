using System.Text.Json;
using Serval.ApiServer.Tables;

namespace Serval.ApiServer.Tests.Tables;

public sealed class JsonPathTests
{
    private const string Sample = """
        {"metadata":{"labels":{"serving.knative.dev/configuration":"hello"}},
         "status":{"n":3,"conditions":[{"type":"Ready","status":"True"},{"type":"Live","status":"False"}]}}
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
    [InlineData(".a[?(@.b)]")]
    [InlineData(".a..b")]
    public void Parse_Broken_NamesThePath(string path) =>
        Assert.Contains(path, Assert.Throws<FormatException>(() => JsonPath.Parse(path)).Message, StringComparison.Ordinal);
}
