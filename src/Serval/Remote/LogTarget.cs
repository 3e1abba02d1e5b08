using Serval.Api;
using Serval.Cli;

namespace Serval.Remote;

/// <summary>Whose output: one pod, or the pods of a label selector.</summary>
internal sealed record LogTarget(string? Pod, string Selector, string Display)
{
    private static readonly (ResourceKind Kind, string Label, string Display)[] s_owners =
    [
        (Kinds.KService, "serving.knative.dev/service", "service"),
        (Kinds.Revision, "serving.knative.dev/revision", "revision"),
        (Kinds.Configuration, "serving.knative.dev/configuration", "configuration"),
    ];

    public static async Task<LogTarget> FindAsync(RemoteClient client, string ns, string word, CancellationToken ct)
    {
        var (kinds, name) = word.Split('/') switch
        {
            [var bare] => (null, bare),
            [var kind, var named] => (ResourceCatalog.Match([Kinds.Pod, .. s_owners.Select(o => o.Kind)], kind), named),
            _ => throw new CliException(ExitCodes.Usage, $"\"{word}\" is neither NAME nor KIND/NAME"),
        };
        if (kinds is { Count: 0 })
        {
            throw new CliException(ExitCodes.Usage, $"\"{word}\": only pod/NAME, ksvc/NAME, revision/NAME and configuration/NAME have logs");
        }
        foreach (var (kind, label, display) in s_owners.Where(o => kinds?.Contains(o.Kind) ?? true))
        {
            if (await client.FindAsync(ResourcePath.Of(kind, ns, name), ct) is not null)
            {
                return new LogTarget(null, $"{label}={name}", $"{display} {name}");
            }
        }
        if ((kinds?.Contains(Kinds.Pod) ?? true) && await client.FindAsync(ResourcePath.Of(Kinds.Pod, ns, name), ct) is not null)
        {
            return new LogTarget(name, "", $"pod {name}");
        }
        throw new CliException(ExitCodes.NotFound, $"there is no {(kinds is null ? "pod, service or revision" : kinds[0].Singular)} \"{name}\" in namespace {ns}; see `serval get ksvc,revisions,pods -A`");
    }
}
