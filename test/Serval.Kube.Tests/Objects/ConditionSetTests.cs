using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube.Tests.Objects;

public sealed class ConditionSetTests
{
    private static readonly DateTimeOffset s_then = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset s_now = s_then.AddMinutes(5);

    [Fact]
    public void Ready_IsTrue_OnlyWhenEveryDependentIs()
    {
        var set = new ConditionSet([], s_now, "A", "B");
        set.MarkTrue("A");
        Assert.Equal("Unknown", set.Ready.Status);
        set.MarkTrue("B");
        Assert.Equal("True", set.Ready.Status);
    }

    [Fact]
    public void Ready_TakesReasonOfTheFailedDependent_BeforeAnUnknownOne()
    {
        var set = new ConditionSet([], s_now, "A", "B");
        set.MarkUnknown("A", "Waiting", "not yet");
        set.MarkFalse("B", "Broken", "it broke");
        Assert.Equal(("False", "Broken", "it broke"), (set.Ready.Status, set.Ready.Reason, set.Ready.Message));
    }

    [Fact]
    public void Information_DoesNotHoldReadyBack()
    {
        var set = new ConditionSet([], s_now, "A");
        set.MarkTrue("A");
        set.MarkFalse("Active", "NoTraffic", "idle", "Info");
        Assert.Equal("True", set.Ready.Status);
    }

    [Theory]
    [InlineData("False", "Broken", "it broke", "2026-01-01T00:00:00Z")]
    [InlineData("True", "Broken", "it broke", "2026-01-01T00:05:00Z")]
    [InlineData("False", "Other", "it broke", "2026-01-01T00:05:00Z")]
    [InlineData("False", "Broken", "it broke again", "2026-01-01T00:05:00Z")]
    public void TransitionTime_MovesWithStatusReasonAndMessage(string status, string reason, string message, string expected)
    {
        Condition[] stored =
        [
            new() { Type = "A", Status = "False", Reason = "Broken", Message = "it broke", LastTransitionTime = s_then },
            new() { Type = "B", Status = "True", LastTransitionTime = s_then },
        ];
        var set = new ConditionSet(stored, s_now, "A", "B");
        set.Take("A", new Condition { Type = "Ready", Status = status, Reason = reason, Message = message });
        set.MarkTrue("B");
        var json = set.ToJson().ToDictionary(c => (string)c!["type"]!, c => (string)c!["lastTransitionTime"]!);
        Assert.Equal((expected, "2026-01-01T00:00:00Z"), (json["A"], json["B"]));
    }

    [Fact]
    public void ToJson_IsSortedByType_AndLeavesEmptyFieldsOut()
    {
        var set = new ConditionSet([], s_now, "Z", "A");
        set.MarkTrue("A");
        set.MarkTrue("Z");
        Assert.Equal(["A", "Ready", "Z"], set.ToJson().Select(c => (string)c!["type"]!));
        Assert.DoesNotContain(set.ToJson(), c => ((JsonObject)c!).ContainsKey("reason"));
    }
}
