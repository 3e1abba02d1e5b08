using Serval.Cli;

namespace Serval.Remote;

/// <summary>The forms in which a command line names objects: <c>KIND</c>, <c>KIND NAME…</c>, <c>KIND/NAME…</c>.</summary>
internal static class TargetWords
{
    public static IReadOnlyList<(string Kind, IReadOnlyList<string> Names)> Read(IReadOnlyList<string> words)
    {
        if (!words.Any(w => w.Contains('/', StringComparison.Ordinal)))
        {
            return words.Count == 0 ? [] : [(words[0], [.. words.Skip(1)])];
        }
        return
        [
            .. words.Select(w => w.Split('/') is [{ Length: > 0 } kind, { Length: > 0 } name]
                ? (kind, (IReadOnlyList<string>)[name])
                : throw new CliException(ExitCodes.Usage, $"\"{w}\" is not KIND/NAME; do not mix it with names alone")),
        ];
    }
}
