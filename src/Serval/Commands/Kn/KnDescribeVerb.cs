using System.CommandLine;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Cli;
using Serval.Kn;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary>A verb that shows one object.</summary>
internal abstract class KnDescribeVerb : KnVerb
{
    private readonly Argument<string> _name;
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Show every detail" };
    private readonly Option<string?> _output;
    private readonly ResourceKind _kind;

    protected KnDescribeVerb(CliContext context, ResourceKind kind, string[] formats, params string[] examples)
        : base(context, "describe", $"Show a {ObjectWatch.Word(kind)}", examples)
    {
        _kind = kind;
        Add(_name = NameOf(kind));
        Add(_verbose);
        Add(_output = SharedOptions.Output(formats));
    }

    protected abstract Task<Outline> DescribeAsync(RemoteClient client, string ns, JsonObject obj, bool verbose, CancellationToken ct);

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var ns = NamespaceOf(parse, client);
        var obj = await GetAsync(client, _kind, ns, parse.GetRequiredValue(_name), ct);
        if (!TryWrite(parse.GetValue(_output), _kind, obj))
        {
            (await DescribeAsync(client, ns, obj, parse.GetValue(_verbose), ct)).Write(Context.Out);
        }
        return ExitCodes.Ok;
    }
}
