using Serval.Api;
using Serval.Cli;

namespace Serval.Commands.Kn;

/// <summary><c>serval domain delete</c>.</summary>
internal sealed class DomainDeleteCommand(CliContext context)
    : KnDeleteVerb(context, Kinds.DomainMapping, "serval domain delete shop.example.com", "serval domain delete shop.example.com --wait")
{
    protected override string Done(string name, string ns) => $"Domain mapping '{name}' deleted in namespace '{ns}'.";
}
