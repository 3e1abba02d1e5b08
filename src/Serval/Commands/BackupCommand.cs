using System.CommandLine;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.ApiServer.Certificates;
using Serval.Backup;
using Serval.Cli;

namespace Serval.Commands;

/// <summary><c>serval backup</c>: everything a data directory keeps, as one file.</summary>
internal sealed class BackupCommand : Verb
{
    private readonly Argument<string?> _file = new("file")
    {
        Description = "New file, compressed when it ends in .gz; - is standard output (default: serval-backup-TIME.tar)", HelpName = "FILE", Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _withoutImages = new("--without-images") { Description = "Leave the images out: they are added again after a restore" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public BackupCommand(CliContext context)
        : base(
            context,
            "backup",
            "Write objects, certificates and images of the data directory to one file, while a server uses it or not",
            "serval backup",
            "serval backup monday.tar.gz --without-images",
            "serval backup - | ssh vault 'cat > serval.tar'")
    {
        Add(_file);
        Add(_withoutImages);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        var data = SharedOptions.DataDirectoryOf(parse, Context);
        var now = Context.Time.GetUtcNow();
        var file = parse.GetValue(_file) ?? $"serval-backup-{now:yyyyMMdd'T'HHmmss'Z'}.tar";
        Task<BackupManifest> WriteAsync(Stream target) => BackupWriter.WriteAsync(data, target, !parse.GetValue(_withoutImages), VersionCommand.Version, now, ct);
        if (file == "-")
        {
            if (parse.GetValue(_output) is not null)
            {
                throw new CliException(ExitCodes.Usage, "the backup itself goes to standard output: name a file, or leave --output out");
            }
            await WriteAsync(Context.RawOut);
            return ExitCodes.Ok;
        }
        var manifest = await Progress.RunAsync(Context, $"writing {file}", () => WriteFileAsync(file, WriteAsync, ct), ct);
        Tell(parse, data, Path.GetFullPath(file), manifest);
        return ExitCodes.Ok;
    }

    /// <summary>Whole or not at all, and its owner's only: keys and secrets are in it.</summary>
    private static async Task<BackupManifest> WriteFileAsync(string file, Func<Stream, Task<BackupManifest>> write, CancellationToken ct)
    {
        if (Path.Exists(file))
        {
            throw new CliException(ExitCodes.Usage, $"{file} exists already: name a new file");
        }
        var draft = file + ".new";
        File.Delete(draft); // of an attempt that was killed
        try
        {
            BackupManifest manifest;
            await using (var target = PrivateFile.Create(draft))
            {
                if (file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || file.EndsWith(".tgz", StringComparison.OrdinalIgnoreCase))
                {
                    await using var packed = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true);
                    manifest = await write(packed);
                }
                else
                {
                    manifest = await write(target);
                }
                await target.FlushAsync(ct);
                target.Flush(flushToDisk: true);
            }
            File.Move(draft, file);
            return manifest;
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private void Tell(ParseResult parse, string data, string file, BackupManifest manifest)
    {
        var size = new FileInfo(file).Length;
        var structured = Printer.TryWrite(Context.Out, parse.GetValue(_output), () => new JsonObject
        {
            ["file"] = file, ["dataDirectory"] = data, ["layout"] = manifest.Layout, ["createdAt"] = KubeTime.Text(manifest.Created), ["images"] = manifest.Images, ["sizeBytes"] = size,
        });
        if (!structured)
        {
            Context.Out.WriteLine($"{data} backed up to {file} ({ImageVerb.Size(size)}); it holds keys and secrets");
        }
    }
}
