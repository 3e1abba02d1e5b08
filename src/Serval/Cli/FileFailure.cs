namespace Serval.Cli;

/// <summary>Failed file operations, for people.</summary>
internal static class FileFailure
{
    // What .NET puts into HResult on Unix: the system's own numbers.
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int QuotaExceeded = 122;

    /// <summary>The cause and what helps; null when no more is known than the exception says.</summary>
    public static string? Advice(Exception e) => e switch
    {
        UnauthorizedAccessException => $"user {Environment.UserName} may not read and write there: change its owner or mode",
        { HResult: NoSpace or QuotaExceeded } => "the disk (or the quota) is full: free some space",
        { HResult: ReadOnlyFileSystem } => "the file system is mounted read-only: mount it for writing",
        _ => null,
    };

    /// <summary>The path, the cause and what helps.</summary>
    public static string Explain(Exception e) => Advice(e) is { } advice ? $"{e.Message.TrimEnd('.')}; {advice}" : e.Message;
}
