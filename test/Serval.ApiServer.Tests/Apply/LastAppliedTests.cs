using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.ApiServer.Tests.Apply;

public sealed class LastAppliedTests
{
    private const string Annotation = "kubectl.kubernetes.io/last-applied-configuration";

    [Fact]
    public void Kubectl_TakesOverWhatItAppliedItself()
    {
        var story = ClientSide("""{"apiVersion":"v1","text":"x","number":1}""", """{"text":"x","number":1}""").Apply("kubectl", """{"text":"y"}""");
        story.Tracks("kubectl", "kubectl-client-side-apply");
        Assert.Equal("y", (string?)story.Live!["text"]);
        Assert.Equal("{\"apiVersion\":\"v1\",\"text\":\"y\"}\n", (string?)story.Live["metadata"]!["annotations"]![Annotation]);
    }

    [Fact]
    public void Kubectl_ConflictsWhereTheLiveValueIsAnothers() => Assert.Equal(
        ["\"kubectl-client-side-apply\" using v1 .number"],
        ClientSide("""{"apiVersion":"v1","text":"x","number":1}""", """{"text":"x","number":5}""").Conflicts("kubectl", """{"text":"y","number":2}"""));

    [Fact]
    public void AnotherManager_DoesNotTakeOver() => Assert.Equal(
        ["\"kubectl-client-side-apply\" using v1 .text"], ClientSide("""{"apiVersion":"v1","text":"x"}""", """{"text":"x"}""").Conflicts("gitops", """{"text":"y"}"""));

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"apiVersion":"v9","text":"x"}""")]
    [InlineData("""{"apiVersion":["v1"],"text":"x"}""")]
    [InlineData("""{"apiVersion":"v1","text":"x","text":"x"}""")]
    [InlineData("""{"apiVersion":"v1","text":"x","items":[{}]}""")]
    [InlineData("""{"apiVersion":"v1","text":"x","what":1}""")]
    public void AnAnnotationThatCannotBeUsed_IsPassedOver(string annotation) =>
        Assert.Single(ClientSide(annotation, """{"text":"x"}""").Conflicts("kubectl", """{"text":"y"}"""));

    [Fact]
    public void AnAnnotationThatGrowsTooLarge_IsDropped()
    {
        var story = ClientSide("""{"apiVersion":"v1"}""", "{}").Apply("kubectl", new JsonObject { ["text"] = new string('x', 270_000) }.ToJsonString());
        Assert.False(story.Live!["metadata"]!["annotations"]!.AsObject().ContainsKey(Annotation));
    }

    [Fact]
    public void WithoutTheAnnotation_NoneIsMade() =>
        Assert.Null(new FieldStory().Apply("kubectl", """{"metadata":{"annotations":{"a":"b"}},"text":"x"}""").Live!["metadata"]!["annotations"]![Annotation]);

    private static FieldStory ClientSide(string annotation, string tree)
    {
        var node = JsonNode.Parse(tree)!.AsObject();
        node["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Annotation] = annotation } };
        return new FieldStory().Update("kubectl-client-side-apply", node.ToJsonString(JsonSerializerOptions.Default));
    }
}
