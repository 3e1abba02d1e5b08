namespace Serval.Cli;

/// <summary>Failed file operations, for people.</summary>
internal static class FileFailure
{
    // What .NET puts into HResult on Unix: the system's own numbers.
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int QuotaExceeded = 122;

    /// <summary>Cause, path and what to do; null when no more is known than the exception says.</summary>
    public static string? Explain(Exception e)
    {
        var advice = e switch
        {
            UnauthorizedAccessException => $"let user {Environment.UserName} read and write there (owner and mode)",
            { HResult: NoSpace or QuotaExceeded } => "the disk (or the quota) is full: free some space",
            { HResult: ReadOnlyFileSystem } => "the file system is mounted read-only: mount it for writing",
            _ => null,
        };
        return advice is null ? null : $"{e.Message.TrimEnd('.')}; {advice}";
    }
}
