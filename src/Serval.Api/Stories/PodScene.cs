using Serval.Api.Core;

namespace Serval.Api.Stories;

/// <summary>A pod, what was warned of it, and the end of its containers' logs.</summary>
public sealed record PodScene(Pod Pod)
{
    /// <summary>Messages of its Warning Events, the latest last.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Container → the last lines it printed.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Logs { get; init; } = new Dictionary<string, IReadOnlyList<string>>();
}
