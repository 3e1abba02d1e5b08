namespace Serval.Api.Stories;

/// <summary>Why an object is as it is: the chain from it down to its processes, and the link that decides.</summary>
/// <param name="Steps">The chain; the first is the object itself.</param>
/// <param name="WhenWell">The verdict when nothing is wrong.</param>
public sealed record Story(IReadOnlyList<StoryStep> Steps, string WhenWell = "is ready")
{
    /// <summary>The deepest of the links that are worst; null when all are well.</summary>
    public StoryStep? Cause
    {
        get
        {
            var worst = Steps.Where(s => s.State != StepState.Well).OrderByDescending(s => s.State).ThenByDescending(s => s.Depth).FirstOrDefault();
            return worst is { State: StepState.Waiting } && Steps[0].State == StepState.Well ? null : worst;
        }
    }

    /// <summary>Whether the object is what it should be: ready, and nothing below it failed.</summary>
    public bool IsWell => Cause is null;

    /// <summary>The answer in one sentence.</summary>
    public string Verdict
    {
        get
        {
            var name = Steps[0].Name;
            var state = Steps[0].State == StepState.Well ? "is ready, but not well" : "is not ready";
            return Cause is not { } cause ? $"{name} {WhenWell}"
                : cause == Steps[0] ? $"{name} {state}: {cause.Text}"
                : $"{name} {state}: {cause.Kind} {cause.Name}: {cause.Text}";
        }
    }

    public string Advice => Cause?.Advice ?? "";
}
