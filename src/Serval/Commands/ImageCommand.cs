using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands;

/// <summary><c>serval image</c>: the local image store. It works with and without a running server.</summary>
internal sealed class ImageCommand : Command
{
    public ImageCommand(CliContext context)
        : base("image", "Manage images in the local store")
    {
        Add(new ImageAddCommand(context));
        Add(new ImageLoadCommand(context));
        Add(new ImageSaveCommand(context));
        Add(new ImageListCommand(context));
        Add(new ImageRemoveCommand(context));
    }
}
