namespace Serval.Api;

/// <summary>The kinds of batch/v1.</summary>
public static class BatchKinds
{
    public static readonly ResourceKind Job = new()
    {
        Group = "batch", Version = "v1", Kind = "Job", Plural = "jobs", Categories = ["all"],
    };
}
