using System.Text;

namespace Serval.Node.Logs;

/// <summary>The end of a log as a termination message: at most 80 lines and 2 KB, as kubelet's FallbackToLogsOnError.</summary>
internal static class LogTail
{
    private const int MostBytes = 2048;
    private const int MostLines = 80;

    public static string Read(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(file);
            var bytes = new byte[Math.Min(MostBytes, length)];
            var read = RandomAccess.Read(file, bytes, length - bytes.Length);
            var text = Encoding.UTF8.GetString(bytes.AsSpan(0, read));
            var lines = text.Split('\n');
            return string.Join('\n', lines.TakeLast(text.EndsWith('\n') ? MostLines + 1 : MostLines));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
