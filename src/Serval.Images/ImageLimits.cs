namespace Serval.Images;

/// <summary>Bounds that keep a hostile or broken image from filling the machine.</summary>
public sealed record ImageLimits
{
    /// <summary>Most bytes one blob or archive member may have.</summary>
    public long MaxBlobBytes { get; init; } = 8L << 30;

    /// <summary>Most bytes of a manifest, an index or a configuration (OCI asks registries for at least 4 MiB).</summary>
    public int MaxDocumentBytes { get; init; } = 4 << 20;

    /// <summary>Most bytes of all unpacked files of an image.</summary>
    public long MaxUnpackedBytes { get; init; } = 16L << 30;

    /// <summary>Most tar entries of an image, over all layers.</summary>
    public int MaxEntries { get; init; } = 1_000_000;

    /// <summary>Most layers of an image (overlay file systems stop at 127).</summary>
    public int MaxLayers { get; init; } = 127;
}
