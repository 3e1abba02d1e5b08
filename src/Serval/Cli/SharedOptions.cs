using System.CommandLine;

namespace Serval.Cli;

/// <summary>Options that several verbs have in common; each verb gets its own instance.</summary>
internal static class SharedOptions
{
    public const string DataDirectoryVariable = "SERVAL_DATA_DIR";

    public static Option<string?> DataDirectory() => new("--data-dir")
    {
        Description = $"Serval's data directory (default: ${DataDirectoryVariable}, else ~/.serval)",
        HelpName = "DIR",
        Recursive = true,
    };

    public static Option<string?> Namespace() => new("--namespace", "-n") { Description = "Namespace (default: that of the kubeconfig)", HelpName = "NAME" };

    public static Option<string?> Output(params string[] formats)
    {
        var option = new Option<string?>("--output", "-o") { Description = "Output: " + string.Join(", ", formats), HelpName = "FORMAT" };
        option.CompletionSources.Add(formats);
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !formats.Contains(result.Tokens[0].Value))
            {
                result.AddError($"--output \"{result.Tokens[0].Value}\" is not known; use {string.Join(", ", formats)}");
            }
        });
        return option;
    }

    /// <summary>The data directory of a command line.</summary>
    public static string DataDirectoryOf(ParseResult parse, CliContext context)
    {
        if (parse.GetValue<string?>("--data-dir") is { Length: > 0 } given)
        {
            return Path.GetFullPath(given);
        }
        return context.Variable(DataDirectoryVariable) is { Length: > 0 } variable
            ? Path.GetFullPath(variable)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".serval");
    }
}
