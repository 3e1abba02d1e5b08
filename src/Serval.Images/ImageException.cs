namespace Serval.Images;

/// <summary>An image operation that failed; the message names the cause, the object and what to do.</summary>
public sealed class ImageException(ImageError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public ImageError Error { get; } = error;

    internal static ImageException NotFound(string reference) => new(
        ImageError.NotFound,
        $"image \"{reference}\" is not in the local image store; add it with `serval image add {reference} DIR --entrypoint …` or `serval image load FILE`");

    internal static ImageException Corrupt(string what, string why) => new(
        ImageError.Corrupt, $"{what} is damaged: {why}; add or load the image again");
}
