using System.Text.Json.Nodes;
using Serval.Api.Batch;

namespace Serval.Api.Admission;

/// <summary>CronJobs (kubernetes pkg/apis/batch: defaults, validateCronJobSpec).</summary>
internal static class CronJobRules
{
    /// <summary>A job's name is this and eleven more: the time.</summary>
    private const int LongestName = 52;

    private const string Template = "spec.jobTemplate.spec";

    public static void Default(JsonObject tree)
    {
        var spec = tree.Ensure("spec");
        spec.DefaultZero("concurrencyPolicy", "Allow");
        spec.Default("suspend", false);
        spec.Default("successfulJobsHistoryLimit", 3);
        spec.Default("failedJobsHistoryLimit", 1);
        var job = spec.Ensure("jobTemplate").Ensure("spec");
        JobRules.Patterns(job);
        PodDefaults.Template(job.Ensure("template"));
    }

    public static void Check(JsonObject tree, JsonObject? old, Problems to)
    {
        var (spec, before) = (tree.Object("spec"), old.Object("spec"));
        Schedule(spec, before, to);
        NotNegative(spec, "startingDeadlineSeconds", to);
        if (spec.Has("timeZone") && !(before is not null && before.String("timeZone") == spec.String("timeZone")) && CronText.WrongZone(spec.String("timeZone")) is { } wrong)
        {
            to.InvalidText("spec.timeZone", spec.String("timeZone"), wrong);
        }
        to.OneOf(spec, "concurrencyPolicy", "spec", "Allow", "Forbid", "Replace");
        var job = spec.Object("jobTemplate").Object("spec") ?? [];
        JobRules.Spec(job, before.Object("jobTemplate").Object("spec"), Template, to);
        if (job.Object("selector") is { } selector)
        {
            to.Invalid($"{Template}.selector", selector.ToJsonString(), "`selector` will be auto-generated");
        }
        if (job.Bool("manualSelector") == true)
        {
            to.Add(new FieldError("FieldValueNotSupported", "Unsupported value: true: supported values: \"nil\", \"false\"", $"{Template}.manualSelector"));
        }
        NotNegative(spec, "successfulJobsHistoryLimit", to);
        NotNegative(spec, "failedJobsHistoryLimit", to);
        if (old is null && tree.Object("metadata").String("name") is { Length: > LongestName } name)
        {
            to.InvalidText("metadata.name", name, $"must be no more than {LongestName} characters");
        }
    }

    private static void Schedule(JsonObject? spec, JsonObject? before, Problems to)
    {
        var schedule = spec.String("schedule");
        if (schedule.Length == 0)
        {
            to.Required("spec.schedule");
            return;
        }
        if (CronText.Complaint(schedule) is { } wrong)
        {
            to.InvalidText("spec.schedule", schedule, wrong);
        }
        if (!schedule.Contains("TZ", StringComparison.Ordinal))
        {
            return;
        }
        if (!before.String("schedule").Contains("TZ", StringComparison.Ordinal))
        {
            to.InvalidText("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        }
        else if (spec.Has("timeZone"))
        {
            to.InvalidText("spec.schedule", schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
        }
    }

    private static void NotNegative(JsonObject? spec, string field, Problems to)
    {
        if (spec.Number(field) is < 0 and var number)
        {
            to.Invalid($"spec.{field}", $"{number}", "must be greater than or equal to 0");
        }
    }
}
