using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Stories;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval why</c>: the chain from a service down to its processes, and what in it decides.</summary>
internal sealed class WhyCommand : RemoteVerb
{
    private readonly Argument<string> _name = new("name")
    {
        Description = "A service; also revision/NAME, configuration/NAME, route/NAME, pod/NAME, or any KIND/NAME with conditions", HelpName = "NAME",
    };

    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public WhyCommand(CliContext context)
        : base(context, "why", "Tell why a service is ready or not, and what to do", "serval why hello", "serval why revision/hello-00002", "serval why hello -o json")
    {
        Add(_name);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var ns = NamespaceOf(parse, client);
        var (kind, subject) = await FindAsync(client, ns, parse.GetRequiredValue(_name), ct);
        var story = StoryTeller.Tell(await new SceneReader(client, ns, Context.Time.GetUtcNow()).ReadAsync(kind, subject, ct));
        if (!Printer.TryWrite(Context.Out, parse.GetValue(_output), () => StoryText.Json(story)))
        {
            StoryText.Write(Context.Out, story);
        }
        return story.IsWell ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static async Task<(ResourceKind, JsonObject)> FindAsync(RemoteClient client, string ns, string word, CancellationToken ct)
    {
        var (kindWord, name) = word.Split('/') switch
        {
            [var bare] => ("ksvc", bare),
            ["service" or "services", var named] => ("ksvc", named), // no core Service has a story
            [{ Length: > 0 } kind, { Length: > 0 } named] => (kind, named),
            _ => throw new CliException(ExitCodes.Usage, $"\"{word}\" is neither NAME nor KIND/NAME"),
        };
        var found = (await new ResourceCatalog(client).FindAsync(kindWord, ct))[0];
        return await client.FindAsync(ResourcePath.Of(found, ns, name), ct) is { } subject
            ? (found, subject)
            : throw new CliException(ExitCodes.NotFound, $"there is no {ObjectWatch.Word(found)} \"{name}\" in namespace {ns}; see `serval get {found.Plural} -A`");
    }
}
