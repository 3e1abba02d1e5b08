namespace Serval.Kn;

/// <summary>One flag that changes a service: its help and what it does.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="HelpName">Stands for the value in the help.</param>
/// <param name="Description">One line.</param>
/// <param name="Apply">Changes the service; gets the values in the order they were given.</param>
internal sealed record ServiceFlag(string Name, string HelpName, string Description, Action<EditTarget, IReadOnlyList<string>> Apply)
{
    public string? Alias { get; init; }

    /// <summary>Whether it may be given several times.</summary>
    public bool Repeats { get; init; }

    /// <summary>Whether it changes the template, which makes the server stamp a revision.</summary>
    public bool MakesRevision { get; init; } = true;

    /// <summary>A flag that takes one value.</summary>
    public static ServiceFlag Single(string name, string helpName, string description, Action<EditTarget, string> apply) =>
        new(name, helpName, description, (target, values) => apply(target, values[^1]));

    /// <summary>A flag whose occurrences are applied one after the other.</summary>
    public static ServiceFlag Each(string name, string helpName, string description, Action<EditTarget, string> apply) =>
        new(name, helpName, description, (target, values) =>
        {
            foreach (var value in values)
            {
                apply(target, value);
            }
        })
        {
            Repeats = true,
        };
}
