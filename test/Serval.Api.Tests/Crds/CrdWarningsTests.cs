using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Crds;

/// <summary>What is said of definitions that ask for more than is done.</summary>
public sealed class CrdWarningsTests
{
    private const string Cel = "x-kubernetes-validations at 2 places are stored but not evaluated by Serval";
    private const string Format = "unrecognized format \"int16\"";

    [Theory]
    [InlineData("""{"type":"string","format":"date-time"}""", "")]
    [InlineData("""{"type":"string","format":"k8s-short-name"}""", "")]
    [InlineData("""{"type":"integer","format":"int32"}""", "")]
    [InlineData("""{"type":"number","format":"double"}""", "")]
    [InlineData("""{"type":"integer","format":"int16"}""", Format)]
    [InlineData("""{"type":"string","format":"int32"}""", "unrecognized format \"int32\"")]
    [InlineData("""{"type":"object","format":"date"}""", "unrecognized format \"date\"")]
    [InlineData("""{"type":"array","items":{"type":"object","x-kubernetes-map-type":"atomic"},"x-kubernetes-list-type":"set"}""", "")]
    [InlineData("""{"type":"object","x-kubernetes-validations":[{"rule":"true"},{"rule":"false"}]}""", Cel)]
    [InlineData("""{"type":"string","pattern":"^\\p{Greek}+$"}""", "pattern \"^\\p{Greek}+$\" is stored but not checked by Serval")]
    public void Create(string schema, string warning) => Assert.Equal(warning, Tell(CrdTable.WithField(schema), null));

    [Fact]
    public void Webhook_IsNotCalled() => Assert.Equal("conversion webhooks are not called by Serval: versions are converted by strategy None",
        Tell(CrdTable.Crd("spec.conversion = {\"strategy\":\"Webhook\",\"webhook\":{\"clientConfig\":{\"url\":\"https://x\"},\"conversionReviewVersions\":[\"v1\"]}}"), null));

    [Theory]
    [InlineData(".a[?(@.b)]", "")]
    [InlineData(".a..b", "printer column .a..b is stored but stays empty: Serval cannot read its path")]
    public void Column_ThatCannotBeRead_IsTold(string path, string warning) => Assert.Equal(warning,
        Tell(CrdTable.Crd("spec.versions[0].additionalPrinterColumns = " + $$"""[{"name":"A","type":"string","jsonPath":"{{path}}"}]"""), null));

    [Theory]
    [InlineData("""{"type":"integer","format":"int16"}""", "")]
    [InlineData("""{"type":"object","x-kubernetes-validations":[{"rule":"true"},{"rule":"false"}]}""", Cel)]
    public void Update_SaysUpstreamsOnceAndItsOwnEachTime(string schema, string warning) =>
        Assert.Equal(warning, Tell(CrdTable.WithField(schema), CrdTable.WithField(schema)));

    private static string Tell(JsonObject crd, JsonObject? old)
    {
        var warnings = new List<string>();
        var operation = old is null ? AdmissionOperation.Create : AdmissionOperation.Update;
        Assert.Empty(Validation.Validate(Kinds.CustomResourceDefinition, crd, old, new AdmissionContext { Operation = operation, Warn = warnings.Add }));
        return string.Join('\n', warnings);
    }
}
