namespace Serval.Images;

/// <summary>Why an image operation failed.</summary>
public enum ImageError
{
    /// <summary>The reference, the configuration or the source directory is not acceptable.</summary>
    Invalid,

    /// <summary>The store does not hold the image.</summary>
    NotFound,

    /// <summary>Bytes do not match their digest, or a file is cut off.</summary>
    Corrupt,

    /// <summary>The image is well formed but uses something Serval does not read.</summary>
    Unsupported,

    /// <summary>The image tries to reach outside its own root.</summary>
    Unsafe,

    /// <summary>A limit of <see cref="ImageLimits"/> is exceeded.</summary>
    TooLarge,
}
