namespace Serval.Api.Stories;

/// <summary>What keeps a pod or a container from being ready.</summary>
/// <param name="State">Whether it may still come by itself.</param>
/// <param name="Reason">In one word, as Kubernetes and Knative name it.</param>
/// <param name="Text">In one sentence.</param>
/// <param name="Advice">What to do.</param>
public sealed record Trouble(StepState State, string Reason, string Text, string Advice);
