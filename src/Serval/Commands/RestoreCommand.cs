using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Backup;
using Serval.Cli;

namespace Serval.Commands;

/// <summary><c>serval restore</c>: a data directory out of a backup.</summary>
internal sealed class RestoreCommand : Verb
{
    private readonly Argument<string> _file = new("file") { Description = "What `serval backup` wrote, compressed with gzip or not", HelpName = "FILE" };
    private readonly Option<bool> _force = new("--force") { Description = "Move what the directory holds aside, inside of the directory" };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public RestoreCommand(CliContext context)
        : base(
            context,
            "restore",
            "Fill a data directory with what a backup holds",
            "serval restore serval-backup-20260102T030405Z.tar --data-dir ./data && serval up --data-dir ./data",
            "serval restore monday.tar.gz --force")
    {
        Add(_file);
        Add(_force);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, CancellationToken ct)
    {
        var (file, data) = (parse.GetRequiredValue(_file), SharedOptions.DataDirectoryOf(parse, Context));
        if (!File.Exists(file))
        {
            throw new CliException(ExitCodes.Usage, $"there is no file {file}: give one that `serval backup` wrote");
        }
        DataDirectory.Prepare(data, Context.Warn);
        var (manifest, aside) = await Progress.RunAsync(
            Context, $"restoring {file}", () => Restoration.RunAsync(file, data, parse.GetValue(_force), Context.Time.GetUtcNow(), ct), ct);
        var structured = Printer.TryWrite(Context.Out, parse.GetValue(_output), () => new JsonObject
        {
            ["dataDirectory"] = data, ["layout"] = manifest.Layout, ["createdAt"] = KubeTime.Text(manifest.Created), ["images"] = manifest.Images, ["replaced"] = aside,
        });
        if (!structured)
        {
            Context.Out.WriteLine($"{data} is as it was at {KubeTime.Text(manifest.Created)}; start it with `serval up`");
            if (aside is not null)
            {
                Context.Out.WriteLine($"what was there before lies in {aside}: remove it when you do not need it any more");
            }
        }
        return ExitCodes.Ok;
    }
}
