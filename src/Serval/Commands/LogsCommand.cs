using System.CommandLine;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval logs</c>: output of a pod, or of all pods of a service or revision.</summary>
internal sealed class LogsCommand : RemoteVerb
{
    private readonly Argument<string> _name = new("name") { Description = "A pod, a service or a revision; also pod/NAME, ksvc/NAME, revision/NAME", HelpName = "NAME" };
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Go on with new lines, and with pods that start later, until Ctrl-C" };
    private readonly Option<string?> _container = new("--container", "-c") { Description = "Container, where a pod has several", HelpName = "NAME" };
    private readonly Option<bool> _previous = new("--previous", "-p") { Description = "Of the container's run before this one" };
    private readonly Option<bool> _timestamps = new("--timestamps") { Description = "With the time of each line" };
    private readonly Option<long?> _tail = new("--tail") { Description = "Only the last lines", HelpName = "LINES" };
    private readonly Option<long?> _since = new("--since") { Description = "Only lines younger than this", HelpName = "SECONDS" };

    public LogsCommand(CliContext context)
        : base(context, "logs", "Show what programs print", "serval logs hello", "serval logs hello -f", "serval logs revision/hello-00002 --tail 20", "serval logs pod/hello-00001-deployment-x7k2p -c user-container")
    {
        Add(_name);
        Add(_follow);
        Add(_container);
        Add(_previous);
        Add(_timestamps);
        Add(_tail);
        Add(_since);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var ns = NamespaceOf(parse, client);
        var target = await LogTarget.FindAsync(client, ns, parse.GetRequiredValue(_name), ct);
        var follow = parse.GetValue(_follow);
        var reader = new LogReader(client, Context, ns, Query(parse, follow));
        if (target.Pod is { } pod)
        {
            await reader.CopyAsync(pod, prefix: "", ct);
            return ExitCodes.Ok;
        }
        if (follow)
        {
            await reader.FollowAllAsync(target.Selector, ct);
            return ExitCodes.Ok;
        }
        if (await reader.CopyAllAsync(target.Selector, ct) == 0)
        {
            await Context.Error.WriteLineAsync($"{target.Display} has no pods now (it is scaled to zero); `serval logs {parse.GetRequiredValue(_name)} -f` waits for the next");
        }
        return ExitCodes.Ok;
    }

    private (string, string)[] Query(ParseResult parse, bool follow) =>
    [
        ("container", parse.GetValue(_container) ?? ""),
        ("follow", follow ? "true" : ""),
        ("previous", parse.GetValue(_previous) ? "true" : ""),
        ("timestamps", parse.GetValue(_timestamps) ? "true" : ""),
        ("tailLines", parse.GetValue(_tail)?.ToString() ?? ""),
        ("sinceSeconds", parse.GetValue(_since)?.ToString() ?? ""),
    ];
}
