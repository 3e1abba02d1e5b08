using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Images;

namespace Serval.Commands;

/// <summary>A verb on the local image store.</summary>
internal abstract class ImageVerb(CliContext context, string name, string description, params string[] examples) : Verb(context, name, description, examples)
{
    protected abstract Task<int> RunAsync(ParseResult parse, ImageStore store, CancellationToken ct);

    protected override Task<int> RunAsync(ParseResult parse, CancellationToken ct) =>
        RunAsync(parse, new ImageStore(SharedOptions.DataDirectoryOf(parse, Context), Context.Time), ct);

    protected static JsonObject ToJson(ImageSummary image) => new()
    {
        ["reference"] = image.Reference,
        ["digest"] = image.Digest,
        ["sizeBytes"] = image.SizeBytes,
        ["added"] = KubeTime.Text(image.Added),
    };

    protected void Tell(IReadOnlyList<ImageSummary> images, string? format)
    {
        if (Printer.TryWrite(Context.Out, format, () => images is [var one] ? ToJson(one) : new JsonArray([.. images.Select(ToJson)])))
        {
            return;
        }
        foreach (var image in images)
        {
            Context.Out.WriteLine($"{image.Reference} {image.Digest} ({Size(image.SizeBytes)})");
        }
    }

    internal static string Size(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => $"{bytes / 1e3:0.#} kB",
        < 1_000_000_000 => $"{bytes / 1e6:0.#} MB",
        _ => $"{bytes / 1e9:0.##} GB",
    };
}
