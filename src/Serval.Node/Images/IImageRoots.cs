using Serval.Images;

namespace Serval.Node;

/// <summary>Where the node agent gets images from.</summary>
public interface IImageRoots
{
    /// <summary>
    /// Opens the image behind a reference (normally <c>name@sha256:…</c>), unpacking it when needed. Throws <see cref="ImageException"/> whose
    /// message says what to do.
    /// </summary>
    ValueTask<ImageRoot> OpenAsync(string reference, CancellationToken ct);
}

/// <summary>The images of the data directory.</summary>
public sealed class StoredImageRoots(ImageStore store) : IImageRoots
{
    public ValueTask<ImageRoot> OpenAsync(string reference, CancellationToken ct) => store.OpenRootAsync(reference, ct);
}
