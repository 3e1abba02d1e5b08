namespace Serval.Images;

/// <summary>
/// A lock between processes on one store: writers share it, the collector of unreferenced blobs has it alone.
/// It is an advisory lock of the operating system, so it ends with its process.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(10);
    private readonly FileStream _file;

    private StoreLock(FileStream file) => _file = file;

    public static async Task<StoreLock> AcquireAsync(string path, bool exclusive, TimeProvider time, CancellationToken ct)
    {
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                return new StoreLock(new FileStream(
                    path, FileMode.OpenOrCreate, exclusive ? FileAccess.ReadWrite : FileAccess.Read, exclusive ? FileShare.None : FileShare.Read, bufferSize: 1));
            }
            catch (IOException) when (File.Exists(path))
            {
                await Task.Delay(s_retry, time, ct);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
