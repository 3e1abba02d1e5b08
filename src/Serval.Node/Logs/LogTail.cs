using System.Text;

namespace Serval.Node.Logs;

/// <summary>What a container leaves as its termination message, at most as much as kubelet takes (pkg/kubelet/container, MaxContainerTermination…).</summary>
internal static class LogTail
{
    private const int MostOfMessage = 4096;
    private const int MostBytes = 2048;
    private const int MostLines = 80;

    /// <summary>The end of a log: 80 lines and 2 KB.</summary>
    public static string Read(string path)
    {
        var text = End(path, MostBytes);
        var lines = text.Split('\n');
        return string.Join('\n', lines.TakeLast(text.EndsWith('\n') ? MostLines + 1 : MostLines));
    }

    /// <summary>The end of a message file: 4 KB.</summary>
    public static string ReadMessage(string path) => End(path, MostOfMessage);

    private static string End(string path, int most)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(file);
            var bytes = new byte[Math.Min(most, length)];
            var read = RandomAccess.Read(file, bytes, length - bytes.Length);
            return Encoding.UTF8.GetString(bytes.AsSpan(0, read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
