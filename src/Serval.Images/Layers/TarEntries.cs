using System.Formats.Tar;

namespace Serval.Images;

/// <summary>Reads tar entries from a source nobody vouches for.</summary>
public static class TarEntries
{
    /// <summary>The next entry, or null at the end. Whatever the reader finds wrong is an <see cref="InvalidDataException"/>.</summary>
    public static async ValueTask<TarEntry?> NextAsync(TarReader reader, CancellationToken ct)
    {
        try
        {
            return await reader.GetNextEntryAsync(copyData: false, ct);
        }
        catch (Exception e) when (e is EndOfStreamException or not (IOException or OperationCanceledException or OutOfMemoryException))
        {
            // A number that does not fit is an OverflowException, a time before all times an ArgumentOutOfRangeException, and so on.
            throw new InvalidDataException(e.Message, e);
        }
    }
}
