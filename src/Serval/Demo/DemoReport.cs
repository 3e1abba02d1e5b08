using System.Text.Json.Nodes;

namespace Serval.Demo;

/// <summary>What a demo measured; milliseconds throughout.</summary>
internal sealed record DemoReport
{
    public double StartMs { get; init; }
    public double BuildMs { get; init; }
    public double ApplyToReadyMs { get; init; }
    public double FirstByteMs { get; init; }
    public BurstResult Burst { get; init; } = new(0, 0, 0, 0);
    public double ScaleToZeroMs { get; init; }
    public double WakeMs { get; init; }
    public int FailedRequests { get; init; }
    public string Revision { get; init; } = "";

    public JsonObject ToJson() => new()
    {
        ["revision"] = Revision,
        ["buildMs"] = Round(BuildMs),
        ["startMs"] = Round(StartMs),
        ["applyToReadyMs"] = Round(ApplyToReadyMs),
        ["firstByteMs"] = Round(FirstByteMs),
        ["burst"] = new JsonObject
        {
            ["requests"] = Burst.Requests, ["failed"] = Burst.Failed, ["p50Ms"] = Round(Burst.P50Ms), ["p99Ms"] = Round(Burst.P99Ms),
        },
        ["scaleToZeroMs"] = Round(ScaleToZeroMs),
        ["wakeMs"] = Round(WakeMs),
        ["failedRequests"] = FailedRequests,
    };

    private static double Round(double milliseconds) => Math.Round(milliseconds, 2);
}
