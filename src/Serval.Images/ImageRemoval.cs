namespace Serval.Images;

/// <summary>What a removal took away.</summary>
/// <param name="Untagged">Names that no longer exist.</param>
/// <param name="Deleted">Digests of manifests whose blobs and unpacked root are gone.</param>
/// <param name="FreedBytes">Bytes of deleted blobs.</param>
public sealed record ImageRemoval(IReadOnlyList<string> Untagged, IReadOnlyList<string> Deleted, long FreedBytes);
