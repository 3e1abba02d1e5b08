namespace Serval.Images;

/// <summary>Named members of an image archive, wherever they lie.</summary>
internal abstract class ImageSource : IDisposable
{
    /// <summary>How messages name the source.</summary>
    public abstract string Name { get; }

    /// <summary>A member for reading, seekable, or null.</summary>
    public abstract FileStream? Open(string member);

    public FileStream Require(string member) =>
        Open(member) ?? throw new ImageException(ImageError.Corrupt, $"{Name} has no member \"{member}\"; it is cut off or not an image archive: save the image again");

    public byte[] ReadDocument(string member, ImageLimits limits)
    {
        using var stream = Require(member);
        if (stream.Length > limits.MaxDocumentBytes)
        {
            throw new ImageException(ImageError.TooLarge, $"{member} in {Name} is larger than {limits.MaxDocumentBytes} bytes; this is not an image archive");
        }
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public FileStream RequireBlob(string digest) => Require("blobs/sha256/" + ImageDigest.Hex(digest));

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}
