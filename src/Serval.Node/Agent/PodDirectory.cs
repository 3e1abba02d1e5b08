using Microsoft.Extensions.Logging;

namespace Serval.Node.Agent;

/// <summary>Removal of what a pod left on disk.</summary>
internal static partial class PodDirectory
{
    public static void Delete(string directory, ILogger logger)
    {
        try
        {
            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.NotDeleted(logger, e, directory);
        }
    }

    /// <summary>Deletes the directories of pods that are not there any more.</summary>
    public static void DeleteOthers(string pods, IReadOnlySet<string> uids, ILogger logger)
    {
        foreach (var directory in Directory.GetDirectories(pods))
        {
            if (!uids.Contains(Path.GetFileName(directory).Split('_')[^1]))
            {
                Delete(directory, logger);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(20, LogLevel.Warning, "Directory {Directory} of a deleted pod could not be removed; the next start tries again")]
        public static partial void NotDeleted(ILogger logger, Exception error, string directory);
    }
}
