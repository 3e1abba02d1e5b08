namespace Serval.Api.Stories;

/// <summary>One link of a causal chain.</summary>
/// <param name="Depth">0 is what was asked about; causes lie deeper than what they cause.</param>
/// <param name="Kind">What it is: a kind of object, <c>Container</c>, <c>Image</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="State">How it stands.</param>
/// <param name="Text">What is known of it, in one sentence; may be empty.</param>
/// <param name="Advice">What to do; empty when nothing is to be done.</param>
public sealed record StoryStep(int Depth, string Kind, string Name, StepState State, string Text, string Advice = "")
{
    /// <summary>Lines that belong to it: warnings, the end of a log.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];
}
