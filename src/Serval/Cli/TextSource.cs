namespace Serval.Cli;

/// <summary>A file of the command line, or <c>-</c> for standard input.</summary>
internal static class TextSource
{
    public static Task<string> ReadAsync(string name, TextReader input, CancellationToken ct)
    {
        if (name == "-")
        {
            return input.ReadToEndAsync(ct);
        }
        return File.Exists(name) ? File.ReadAllTextAsync(name, ct) : throw new CliException(ExitCodes.Usage, $"{name} does not exist; name a file, or - for standard input");
    }

    /// <summary>What messages call it.</summary>
    public static string Display(string name) => name == "-" ? "standard input" : name;
}
