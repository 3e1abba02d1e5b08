namespace Serval.Images;

/// <summary>What a reference stands for now.</summary>
/// <param name="Digest"><c>sha256:…</c> of the manifest.</param>
/// <param name="Reference">The reference with the digest: <c>docker.io/library/hello@sha256:…</c>.</param>
public sealed record ImageResolution(string Digest, string Reference);
