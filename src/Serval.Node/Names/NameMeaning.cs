using System.Net;

namespace Serval.Node.Names;

/// <summary>What a name of the cluster stands for.</summary>
internal sealed record NameMeaning
{
    /// <summary>Nothing: the cluster has no such name.</summary>
    public static NameMeaning Unknown { get; } = new() { Exists = false };

    public bool Exists { get; private init; } = true;

    /// <summary>Its addresses; none when nothing is ready behind it.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; private init; } = [];

    /// <summary>A name outside the cluster that it stands for.</summary>
    public string? Alias { get; init; }

    public static NameMeaning Of(IReadOnlyList<IPAddress> addresses) => new() { Addresses = addresses };
}
