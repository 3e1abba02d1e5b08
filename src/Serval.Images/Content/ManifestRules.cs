namespace Serval.Images;

/// <summary>What a manifest must be before anything in it is used.</summary>
internal static class ManifestRules
{
    public static void Check(OciManifest manifest, string digest, ImageLimits limits)
    {
        var what = $"manifest {digest}";
        if (manifest.Config is null || manifest.Layers is not { } layers)
        {
            throw ImageException.Corrupt(what, "it has no config or no layers");
        }
        if (layers.Count > limits.MaxLayers)
        {
            throw new ImageException(ImageError.TooLarge, $"{what} has {layers.Count} layers, {limits.MaxLayers} are allowed; squash the image");
        }
        ImageDigest.Require(manifest.Config.Digest, what);
        foreach (var layer in layers)
        {
            ImageDigest.Require(layer.Digest, what);
            CheckLayer(layer, what);
        }
    }

    private static void CheckLayer(OciDescriptor layer, string what)
    {
        if (MediaTypes.IsLayer(layer.MediaType))
        {
            return;
        }
        var cause = layer.MediaType.EndsWith("zstd", StringComparison.Ordinal)
            ? "is compressed with zstd, which Serval does not read; convert the image: skopeo copy --dest-compress-format gzip …"
            : $"has the media type {layer.MediaType}, which Serval does not read; build the image with plain or gzip layers";
        throw new ImageException(ImageError.Unsupported, $"layer {layer.Digest} of {what} {cause}");
    }
}
