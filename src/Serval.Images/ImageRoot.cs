namespace Serval.Images;

/// <summary>An unpacked image, shared by everyone who runs it: read it, never write to it.</summary>
/// <param name="Digest"><c>sha256:…</c> of the manifest.</param>
/// <param name="RootDirectory">Directory that is <c>/</c> of the image.</param>
/// <param name="Config">How the image wants to run.</param>
public sealed record ImageRoot(string Digest, string RootDirectory, ImageConfig Config);
