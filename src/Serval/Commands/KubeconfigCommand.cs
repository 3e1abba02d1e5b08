using System.CommandLine;
using Serval.Cli;

namespace Serval.Commands;

/// <summary><c>serval kubeconfig</c>: files that let other users in.</summary>
internal sealed class KubeconfigCommand : Command
{
    public KubeconfigCommand(CliContext context)
        : base("kubeconfig", "Let other users in") => Add(new KubeconfigCreateCommand(context));
}
