namespace Serval.Images;

/// <summary>One image found in an archive and stored: its manifest and the names the archive gives it.</summary>
internal sealed record ArchiveImage(OciDescriptor Manifest, IReadOnlyList<string> Names);
