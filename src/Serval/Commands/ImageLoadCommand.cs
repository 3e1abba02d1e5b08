using System.CommandLine;
using Serval.Cli;
using Serval.Images;

namespace Serval.Commands;

/// <summary><c>serval image load</c>: images of an archive.</summary>
internal sealed class ImageLoadCommand : ImageVerb
{
    private readonly Argument<string> _file = new("file") { Description = "Archive of `docker save`, or an OCI layout (tar or directory)", HelpName = "FILE" };
    private readonly Option<string?> _name = new("--name") { Description = "Name for the archive's only image", HelpName = "NAME:TAG" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public ImageLoadCommand(CliContext context)
        : base(context, "load", "Load images from an archive", "docker save hello:v1 -o hello.tar && serval image load hello.tar", "serval image load ./layout --name hello:v1")
    {
        Add(_file);
        Add(_name);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, ImageStore store, CancellationToken ct)
    {
        var file = parse.GetRequiredValue(_file);
        var images = await Progress.RunAsync(Context, $"loading {file}", () => store.LoadAsync(file, parse.GetValue(_name), ct), ct);
        Tell(images, parse.GetValue(_output));
        return ExitCodes.Ok;
    }
}
