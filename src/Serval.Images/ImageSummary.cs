namespace Serval.Images;

/// <summary>One line of <c>serval image list</c>.</summary>
/// <param name="Reference">Name and tag in their short form (<c>hello:v1</c>); empty for an image whose tag moved on.</param>
/// <param name="Digest"><c>sha256:…</c> of the manifest.</param>
/// <param name="SizeBytes">Stored size of configuration and layers.</param>
/// <param name="Added">When this name was given to the image.</param>
public sealed record ImageSummary(string Reference, string Digest, long SizeBytes, DateTimeOffset Added);
