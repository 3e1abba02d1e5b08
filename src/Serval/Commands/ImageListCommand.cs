using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Images;

namespace Serval.Commands;

/// <summary><c>serval image list</c>.</summary>
internal sealed class ImageListCommand : ImageVerb
{
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml", "name");

    public ImageListCommand(CliContext context)
        : base(context, "list", "List images", "serval image list", "serval image list -o json")
    {
        Aliases.Add("ls");
        Add(_output);
    }

    protected override Task<int> RunAsync(ParseResult parse, ImageStore store, CancellationToken ct)
    {
        var images = store.List();
        var format = parse.GetValue(_output);
        if (Printer.TryWrite(Context.Out, format, () => new JsonArray([.. images.Select(ToJson)])))
        {
            return Task.FromResult(ExitCodes.Ok);
        }
        if (format == "name")
        {
            foreach (var image in images)
            {
                Context.Out.WriteLine(image.Reference.Length > 0 ? image.Reference : image.Digest);
            }
            return Task.FromResult(ExitCodes.Ok);
        }
        if (images.Count == 0)
        {
            Context.Error.WriteLine("No images; add one with `serval image add` or `serval image load`.");
            return Task.FromResult(ExitCodes.Ok);
        }
        var rows = images.Select(i => (IReadOnlyList<string>)[i.Reference.Length > 0 ? i.Reference : "<none>", i.Digest[..19], Size(i.SizeBytes), i.Added.ToString("yyyy-MM-dd HH:mm")]);
        TableWriter.Write(Context.Out, ["Image", "Digest", "Size", "Added"], [.. rows]);
        return Task.FromResult(ExitCodes.Ok);
    }
}
