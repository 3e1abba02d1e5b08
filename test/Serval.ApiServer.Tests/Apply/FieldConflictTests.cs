using Serval.Api;

namespace Serval.ApiServer.Tests.Apply;

public sealed class FieldConflictTests
{
    [Fact]
    public void OneConflict_IsOneLine()
    {
        var refused = Refused(new FieldStory().Update("kubectl-client-side-apply", """{"number":1}"""), """{"number":2}""");
        Assert.Equal("Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .number", refused.Message);
        Assert.Equal([new StatusCause("FieldManagerConflict", "conflict with \"kubectl-client-side-apply\" using v1", ".number")], refused.Causes);
    }

    [Fact]
    public void ManyConflicts_AreGroupedByManager()
    {
        var story = new FieldStory().Update("b", """{"text":"x"}""").Apply("c", """{"number":1,"flag":true}""")
            .Update("d", """{"text":"x","number":1,"flag":true,"any":1}""", subresource: "status");
        Assert.Equal(
            "Apply failed with 4 conflicts: conflicts with \"b\" using v1:\n- .text\nconflicts with \"c\":\n- .flag\n- .number\nconflicts with \"d\" with subresource \"status\" using v1:\n- .any",
            Refused(story, """{"text":"y","number":2,"flag":false,"any":2}""").Message);
    }

    private static ApiException Refused(FieldStory story, string config) => Assert.Throws<ApiException>(() => story.Apply("a", config));
}
