using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>
/// A job's status as somebody else than Serval writes it, say the one that the job is managed by (kubernetes pkg/apis/batch/validation: ValidateJobStatusUpdate;
/// pkg/registry/batch/job: getStatusValidationOptions). What an update leaves as it was is not judged again. Times are as they are stored: their order is that of their texts.
/// </summary>
internal static class JobStatusRules
{
    private const string Conditions = "status.conditions";

    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var (spec, now, was) = (tree.Object("spec"), tree.Object("status"), old.Object("status"));
        foreach (var field in (ReadOnlySpan<string>)["active", "succeeded", "failed", "ready", "terminating"])
        {
            if (now.Number(field) is < 0 and var number)
            {
                to.Invalid($"status.{field}", $"{number}", "must be greater than or equal to 0");
            }
        }
        Ending(now, was, to);
        Finished(spec, now, was, to);
        Indexes(spec, now, was, to);
        if (Changed(now, was, "ready", "active") && now.Number("ready") > (now.Number("active") ?? 0))
        {
            to.Invalid("status.ready", $"{now.Number("ready")}", "cannot set more ready pods than active");
        }
        Both(now, "SuccessCriteriaMet", "Failed", to);
        Both(now, "SuccessCriteriaMet", "FailureTarget", to);
        if (spec.Has("successPolicy") && !Is(now, "SuccessCriteriaMet") && Is(now, "Complete"))
        {
            Wrong("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True", to);
        }
        Back(spec, now, was, to);
    }

    private static void Ending(JsonObject? now, JsonObject? was, Problems to)
    {
        var (complete, failed) = (Is(now, "Complete") != Is(was, "Complete"), Is(now, "Failed") != Is(was, "Failed"));
        if (complete || failed)
        {
            Both(now, "Complete", "Failed", to);
        }
        if (complete || Is(now, "FailureTarget") != Is(was, "FailureTarget"))
        {
            Both(now, "Complete", "FailureTarget", to);
        }
        if (complete || Changed(now, was, "completionTime"))
        {
            if (now.Has("completionTime") && !Is(now, "Complete"))
            {
                to.InvalidText("status.completionTime", now.String("completionTime"), "cannot set completionTime when there is no Complete=True condition");
            }
            else if (!now.Has("completionTime") && Is(now, "Complete"))
            {
                to.Required("status.completionTime", "completionTime is required for Complete jobs");
            }
        }
        if (Changed(now, was, "startTime", "completionTime") && now.Has("startTime") && now.Has("completionTime")
            && string.CompareOrdinal(now.String("completionTime"), now.String("startTime")) < 0)
        {
            to.InvalidText("status.completionTime", now.String("completionTime"), "must be equal to or after `startTime`");
        }
        if ((failed || Changed(now, was, "failedIndexes")) && Is(now, "Failed") && !Is(now, "FailureTarget"))
        {
            Wrong("cannot set Failed=True condition without the FailureTarget=true condition", to);
        }
        if ((complete || Is(now, "SuccessCriteriaMet") != Is(was, "SuccessCriteriaMet")) && Is(now, "Complete") && !Is(now, "SuccessCriteriaMet"))
        {
            Wrong("cannot set Complete=True condition without the SuccessCriteriaMet=true condition", to);
        }
    }

    private static void Finished(JsonObject? spec, JsonObject? now, JsonObject? was, Problems to)
    {
        if (!Ended(now))
        {
            return;
        }
        var ends = !Ended(was);
        if ((ends || Changed(now, was, "active")) && now.Number("active") is > 0 and var active)
        {
            to.Invalid("status.active", $"{active}", "active>0 is invalid for finished job");
        }
        if ((ends || Changed(now, was, "startTime")) && !now.Has("startTime") && !(spec.Bool("suspend") == true && spec.Number("completions") == 0))
        {
            to.Required("status.startTime", "startTime is required for finished job");
        }
        var uncounted = now.Object("uncountedTerminatedPods");
        if ((ends || Changed(now, was, "uncountedTerminatedPods")) && uncounted.Strings("failed").Concat(uncounted.Strings("succeeded")).Any())
        {
            to.Invalid("status.uncountedTerminatedPods", uncounted!.ToJsonString(), "must be empty for finished job");
        }
        if ((ends || Changed(now, was, "terminating")) && now.Number("terminating") is > 0 and var terminating)
        {
            to.Invalid("status.terminating", $"{terminating}", "terminating>0 is invalid for finished job");
        }
    }

    private static void Indexes(JsonObject? spec, JsonObject? now, JsonObject? was, Problems to)
    {
        var completions = spec.Number("completions");
        foreach (var field in (ReadOnlySpan<string>)["completedIndexes", "failedIndexes"])
        {
            if (Changed(now, was, field) && completions is { } all && (field == "completedIndexes" || spec.Has("backoffLimitPerIndex"))
                && JobPolicyRules.Indexes(now.String(field), all, out _) is { } wrong)
            {
                to.InvalidText($"status.{field}", now.String(field), $"error parsing {field}: {wrong}");
            }
        }
        if (Changed(now, was, "completedIndexes") && now.String("completedIndexes") is { Length: > 0 } completed && spec.String("completionMode") != "Indexed")
        {
            to.InvalidText("status.completedIndexes", completed, "cannot set non-empty completedIndexes when non-indexed completion mode");
        }
        if (Changed(now, was, "failedIndexes") && now.Has("failedIndexes") && !spec.Has("backoffLimitPerIndex"))
        {
            to.InvalidText("status.failedIndexes", now.String("failedIndexes"), "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
        }
    }

    // What does not go back.
    private static void Back(JsonObject? spec, JsonObject? now, JsonObject? was, Problems to)
    {
        foreach (var type in (ReadOnlySpan<string>)["Failed", "Complete", "FailureTarget"])
        {
            if (Is(was, type) && !Is(now, type))
            {
                Wrong($"cannot disable the terminal {type}=True condition", to);
            }
        }
        if ((now.Number("failed") ?? 0) < (was.Number("failed") ?? 0))
        {
            to.Invalid("status.failed", $"{now.Number("failed") ?? 0}", "cannot decrease the failed counter");
        }
        var scales = spec.String("completionMode") == "Indexed" && spec.Number("completions") == spec.Number("parallelism");
        if (!scales && (now.Number("succeeded") ?? 0) < (was.Number("succeeded") ?? 0))
        {
            to.Invalid("status.succeeded", $"{now.Number("succeeded") ?? 0}", "cannot decrease the succeeded counter");
        }
        if (now.Has("completionTime") && was.Has("completionTime") && now.String("completionTime") != was.String("completionTime"))
        {
            to.InvalidText("status.completionTime", now.String("completionTime"), "field is immutable");
        }
        var resumes = Is(was, "Suspended") && now.Objects("conditions").Any(c => c.Item.String("type") == "Suspended" && c.Item.String("status") == "False");
        if (was.Has("startTime") && now.String("startTime") != was.String("startTime") && !resumes && spec.Bool("suspend") != true)
        {
            to.Invalid("status.startTime", now?["startTime"]?.ToJsonString() ?? "null", "field is immutable for unsuspended job once set");
        }
        if (Is(was, "SuccessCriteriaMet") && !Is(now, "SuccessCriteriaMet"))
        {
            Wrong("cannot disable the SuccessCriteriaMet=True condition", to);
        }
        if (Is(was, "Complete") && !Is(was, "SuccessCriteriaMet") && Is(now, "SuccessCriteriaMet"))
        {
            Wrong("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions", to);
        }
    }

    private static void Both(JsonObject? now, string one, string other, Problems to)
    {
        if (Is(now, one) && Is(now, other))
        {
            Wrong($"cannot set {one}=True and {other}=true conditions", to);
        }
    }

    private static void Wrong(string why, Problems to) => to.Add(new FieldError("FieldValueInvalid", "Invalid value: " + why, Conditions));

    private static bool Ended(JsonObject? status) => Is(status, "Complete") || Is(status, "Failed");

    private static bool Is(JsonObject? status, string type) => status.Objects("conditions").Any(c => c.Item.String("type") == type && c.Item.String("status") == "True");

    private static bool Changed(JsonObject? now, JsonObject? was, params ReadOnlySpan<string> fields)
    {
        foreach (var field in fields)
        {
            if (!TreeDiff.Same(was?[field], now?[field]))
            {
                return true;
            }
        }
        return false;
    }
}
