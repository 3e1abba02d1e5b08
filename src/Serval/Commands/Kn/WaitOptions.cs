using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>The options of verbs that wait, and the wait (knative/client: pkg/commands/wait_flags.go).</summary>
internal sealed class WaitOptions
{
    private const int MostSeconds = 30 * 24 * 3600; // timers take no more than seven weeks

    private readonly bool _byDefault;
    private readonly YesNoOption? _wait;
    private readonly Option<int> _timeout = Seconds("--wait-timeout", "Seconds to wait", 600);
    private readonly Option<int> _window = Seconds("--wait-window", "Seconds a failure may last before it is final", 2);

    /// <param name="verb">Gets the options.</param>
    /// <param name="byDefault">Whether it waits when it is not told; null when it always does.</param>
    /// <param name="fails">Whether what is waited for can fail.</param>
    public WaitOptions(Command verb, bool? byDefault, bool fails = true)
    {
        _byDefault = byDefault ?? true;
        _wait = byDefault is null ? null : new YesNoOption(verb, "wait", $"Wait until it is done{(byDefault.Value ? " (default)" : "")}");
        verb.Add(_timeout);
        if (fails)
        {
            verb.Add(_window);
        }
    }

    public bool Wanted(ParseResult parse) => _wait?.Read(parse) ?? _byDefault;

    /// <summary>Waits until the object is ready; tells on standard error how it goes.</summary>
    public async Task ReadyAsync(ParseResult parse, RemoteClient client, CliContext context, ResourceKind kind, string ns, string name, CancellationToken ct)
    {
        var started = context.Time.GetTimestamp();
        var story = new ReadyStory();
        var window = TimeSpan.FromSeconds(parse.GetValue(_window));
        using var final = new CancellationTokenSource(Timeout.InfiniteTimeSpan, context.Time);
        try
        {
            await WithinAsync(parse, context, $"{ObjectWatch.Word(kind)} '{name}' not ready", token => ObjectWatch.UntilAsync(client, kind, ns, name, See, token), final.Token, ct);
            Tell("Ready to serve.");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested && story.Failure is { } failure)
        {
            throw new CliException(ExitCodes.Failed, $"{failure.TrimEnd('.')}; see `serval {ObjectWatch.Word(kind)} describe {name} -n {ns} -v`");
        }

        bool See(JsonObject obj)
        {
            var failed = story.Failure is not null;
            if (story.See(obj) is { } line)
            {
                Tell(line);
            }
            if (story.Failure is not null != failed)
            {
                final.CancelAfter(failed ? Timeout.InfiniteTimeSpan : window);
            }
            return story.IsReady;
        }

        void Tell(string line) => context.Error.WriteLine($"{context.Time.GetElapsedTime(started).TotalSeconds,7:0.000}s {line}");
    }

    public Task GoneAsync(ParseResult parse, RemoteClient client, CliContext context, ResourceKind kind, string ns, string name, JsonObject seen, CancellationToken ct) =>
        Progress.RunAsync(
            context,
            $"waiting for {ObjectWatch.Word(kind)} {name} to be gone",
            () => WithinAsync(
                parse, context, $"{ObjectWatch.Word(kind)} '{name}' not deleted", token => ObjectWatch.GoneAsync(client, kind, ns, name, seen, token), CancellationToken.None, ct),
            ct);

    private static Option<int> Seconds(string name, string description, int byDefault)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "SECONDS", DefaultValueFactory = _ => byDefault };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, out var seconds) && seconds is < 0 or > MostSeconds)
            {
                result.AddError($"{name} \"{token.Value}\" is not between 0 and {MostSeconds} seconds");
            }
        });
        return option;
    }

    private async Task WithinAsync(ParseResult parse, CliContext context, string complaint, Func<CancellationToken, Task> work, CancellationToken other, CancellationToken ct)
    {
        var seconds = parse.GetValue(_timeout);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), context.Time);
        using var all = CancellationTokenSource.CreateLinkedTokenSource(ct, other, limit.Token);
        try
        {
            await work(all.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !other.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Timeout, $"timeout: {complaint} after {seconds} seconds; give it longer with --wait-timeout");
        }
    }
}
