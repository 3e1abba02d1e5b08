using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Cli;
using Serval.Images;

namespace Serval.Commands;

/// <summary><c>serval image save</c>: an image as an OCI layout for other tools.</summary>
internal sealed class ImageSaveCommand : ImageVerb
{
    private readonly Argument<string> _name = new("name") { Description = "The image", HelpName = "NAME:TAG" };
    private readonly Argument<string> _path = new("path") { Description = "New directory, or a file that ends in .tar", HelpName = "PATH" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public ImageSaveCommand(CliContext context)
        : base(context, "save", "Write an image as an OCI layout", "serval image save hello:v1 hello.tar", "serval image save hello:v1 ./layout && skopeo copy oci:./layout:v1 docker://registry.example.com/hello:v1")
    {
        Add(_name);
        Add(_path);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, ImageStore store, CancellationToken ct)
    {
        var (name, path) = (parse.GetRequiredValue(_name), parse.GetRequiredValue(_path));
        await Progress.RunAsync(Context, $"writing {path}", () => store.SaveAsync(name, path, ct), ct);
        if (!Printer.TryWrite(Context.Out, parse.GetValue(_output), () => new JsonObject { ["reference"] = name, ["path"] = Path.GetFullPath(path) }))
        {
            await Context.Out.WriteLineAsync($"{name} saved to {path}");
        }
        return ExitCodes.Ok;
    }
}
