using System.CommandLine;
using Serval.Api;
using Serval.Api.Admission;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands.Kn;

/// <summary><c>serval service delete</c>.</summary>
internal sealed class ServiceDeleteCommand : KnDeleteVerb
{
    private readonly Option<bool> _all = new("--all") { Description = "Delete all services of the namespace" };

    public ServiceDeleteCommand(CliContext context)
        : base(context, Kinds.KService, "serval service delete hello", "serval service delete hello other --wait", "serval service delete --all -n test") => Add(_all);

    protected override string Choices => "--all";

    protected override string Done(string name, string ns) => $"Service '{name}' successfully deleted in namespace '{ns}'.";

    protected override bool Chooses(ParseResult parse) => parse.GetValue(_all);

    protected override async Task<IReadOnlyList<string>> ChosenAsync(ParseResult parse, RemoteClient client, string ns, CancellationToken ct) =>
        [.. (await ObjectList.ReadAsync(client, Kinds.KService, ns, ct)).Select(s => s.Object("metadata").String("name"))];
}
