namespace Serval.Kube;

/// <summary>What an image reference stands for now.</summary>
/// <param name="Digest"><c>sha256:…</c> of the manifest.</param>
/// <param name="Reference">The reference with the digest: <c>name@sha256:…</c>.</param>
public sealed record ResolvedImage(string Digest, string Reference);

/// <summary>The blobs signal, as far as controllers need it: tag → digest, by the same component that starts the image.</summary>
public interface IImageResolver
{
    /// <summary>
    /// Resolves a reference, or throws <see cref="ImageNotFoundException"/> whose message names the step that failed and what to do.
    /// </summary>
    /// <exception cref="Serval.Api.ApiException">503: nobody can say now; later somebody may.</exception>
    ValueTask<ResolvedImage> ResolveAsync(string reference, CancellationToken ct);
}

/// <summary>An image that cannot be had.</summary>
public sealed class ImageNotFoundException(string message) : Exception(message);
