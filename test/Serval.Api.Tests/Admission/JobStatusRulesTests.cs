using System.Text.Json.Nodes;
using Serval.Api.Admission;

namespace Serval.Api.Tests.Admission;

/// <summary>What somebody else may write as the status of a job, and of an autoscaler: what can be.</summary>
public sealed class JobStatusRulesTests
{
    private const string Job = """{"metadata":{"name":"j","namespace":"d","uid":"u1"},"spec":{"completionMode":"NonIndexed"},"status":{"startTime":"2026-01-01T00:00:00Z","failed":2,"succeeded":1}}""";
    private const string Complete = """status.conditions = [{"type":"SuccessCriteriaMet","status":"True"},{"type":"Complete","status":"True"}]""";
    private const string End = """status.completionTime = "2026-01-02T00:00:00Z" """;

    public static TheoryData<string, string, string> Written => new()
    {
        { "", "status.active = 1\nstatus.ready = 1", "" },
        { "", $"{Complete}\n{End}", "" },
        { "", "status.active = -1", "status.active: Invalid value: -1: must be greater than or equal to 0" },
        { "", Complete, "status.completionTime: Required value: completionTime is required for Complete jobs" },
        { "", End, "status.completionTime: Invalid value: \"2026-01-02T00:00:00Z\": cannot set completionTime when there is no Complete=True condition" },
        { "", $"{Complete}\nstatus.completionTime = \"2025-01-01T00:00:00Z\"", "status.completionTime: Invalid value: \"2025-01-01T00:00:00Z\": must be equal to or after `startTime`" },
        { "", $"{Complete}\n{End}\nstatus.active = 1", "status.active: Invalid value: 1: active>0 is invalid for finished job" },
        { "", $"{Complete}\n{End}\nstatus.conditions[0].status = \"False\"", "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition" },
        { "", "status.conditions = [{\"type\":\"Failed\",\"status\":\"True\"}]", "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition" },
        { "", "status.failed = 1", "status.failed: Invalid value: 1: cannot decrease the failed counter" },
        { "", "status.succeeded = 0", "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter" },
        { "", "status.ready = 1", "status.ready: Invalid value: 1: cannot set more ready pods than active" },
        { "", "status.startTime = -", "status.startTime: Invalid value: null: field is immutable for unsuspended job once set" },
        { "", "status.completedIndexes = \"1\"", "status.completedIndexes: Invalid value: \"1\": cannot set non-empty completedIndexes when non-indexed completion mode" },
        { $"{Complete}\n{End}", "status.conditions = []\nstatus.completionTime = -", "status.conditions: Invalid value: cannot disable the terminal Complete=True condition ; status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition" },
        { "status.active = -1", "status.succeeded = 2", "status.active: Invalid value: -1: must be greater than or equal to 0" },
        { "status.completionTime = \"2026-01-02T00:00:00Z\"", "status.succeeded = 2", "" }, // it was so before
    };

    [Theory]
    [MemberData(nameof(Written))]
    public void StatusOfAJob(string before, string edits, string errors)
    {
        var old = Edits.Parse(Job).Edit(before);
        Assert.Equal(errors, Told(BatchKinds.Job, old.DeepClone().AsObject().Edit(edits), old, "kueue"));
    }

    [Fact]
    public void ServalsOwnControllers_AreNotAsked() =>
        Assert.Equal("", Told(BatchKinds.Job, Edits.Parse(Job).Edit("status.failed = 0"), Edits.Parse(Job), user: ""));

    [Fact]
    public void StatusOfAnAutoscaler_CountsFromZero()
    {
        const string hpa = """{"metadata":{"name":"h","namespace":"d","uid":"u1"},"status":{"currentReplicas":-1,"desiredReplicas":-2}}""";
        Assert.Equal("status.currentReplicas: Invalid value: -1: must be greater than or equal to 0 ; status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0",
            Told(Kinds.HorizontalPodAutoscaler, Edits.Parse(hpa), null, "u"));
    }

    private static string Told(ResourceKind kind, JsonObject tree, JsonObject? old, string user)
    {
        var ctx = new AdmissionContext { Operation = AdmissionOperation.Update, Subresource = "status", User = user };
        return string.Join(" ; ", Validation.Validate(kind, tree, old, ctx).Select(e => $"{e.Field}: {e.Message}"));
    }
}
