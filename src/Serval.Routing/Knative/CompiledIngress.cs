using System.Collections.Immutable;
using Serval.Api;

namespace Serval.Routing.Knative;

/// <summary>The rules an Ingress has for one host.</summary>
/// <param name="Host">Lower case.</param>
/// <param name="Rules">In the order of the Ingress.</param>
public sealed record CompiledHost(string Host, ImmutableArray<RouteRule> Rules);

/// <summary>One Ingress, compiled alone.</summary>
public sealed record CompiledIngress
{
    public required ObjectKey Key { get; init; }
    public string Uid { get; init; } = "";

    /// <summary>The generation of the spec it was compiled from.</summary>
    public long Generation { get; init; }
    public DateTimeOffset Created { get; init; }
    public ImmutableArray<CompiledHost> Hosts { get; init; } = [];

    /// <summary>The hosts it has certificates for (<c>*.suffix</c> for wildcards), and the Secret of each.</summary>
    public ImmutableArray<KeyValuePair<string, ObjectKey>> Tls { get; init; } = [];

    /// <summary>How its revision backends are gated and timed.</summary>
    public IReadOnlyDictionary<BackendKey, RevisionPolicy> Policies { get; init; } = ImmutableDictionary<BackendKey, RevisionPolicy>.Empty;

    /// <summary>Every backend its rules lead to.</summary>
    public ImmutableHashSet<BackendKey> Backends { get; init; } = [];

    /// <summary>Fields this version does not honour, each a sentence.</summary>
    public ImmutableArray<string> Warnings { get; init; } = [];

    /// <summary>Whether it has a host that the other names too: the older one, then by namespace and name.</summary>
    public bool Precedes(CompiledIngress other)
    {
        var order = Created.CompareTo(other.Created);
        order = order != 0 ? order : string.CompareOrdinal(Key.Namespace, other.Key.Namespace);
        return (order != 0 ? order : string.CompareOrdinal(Key.Name, other.Key.Name)) < 0;
    }
}

/// <summary>What compiling an Ingress came to.</summary>
/// <param name="Ingress">The result; null when <paramref name="Error"/> says what is wrong.</param>
/// <param name="Error">The cause, the field and what to do; empty when it compiled.</param>
/// <param name="Services">Services it names: when one of them changes, compile again.</param>
public sealed record IngressCompilation(CompiledIngress? Ingress, string Error, ImmutableHashSet<ObjectKey> Services);
