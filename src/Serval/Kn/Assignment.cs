using Serval.Cli;

namespace Serval.Kn;

/// <summary><c>NAME=VALUE</c>, or <c>NAME-</c> which takes the name away, as kn's flags have it.</summary>
/// <param name="Value">Null takes the name away.</param>
internal readonly record struct Assignment(string Name, string? Value)
{
    /// <param name="flag">Named when the word is wrong.</param>
    /// <param name="word">What was given.</param>
    /// <param name="bare">Whether <c>NAME</c> alone sets an empty value.</param>
    public static Assignment Parse(string flag, string word, bool bare = false)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        return equals switch
        {
            > 0 => new Assignment(word[..equals], word[(equals + 1)..]),
            < 0 when word.Length > 1 && word.EndsWith('-') => new Assignment(word[..^1], null),
            < 0 when bare && word.Length > 0 && word != "-" => new Assignment(word, ""),
            _ => throw new CliException(ExitCodes.Usage, $"--{flag} \"{word}\" is not understood; write NAME=VALUE to set it, NAME- to take it away"),
        };
    }
}
