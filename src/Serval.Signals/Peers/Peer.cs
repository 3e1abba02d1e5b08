namespace Serval.Signals;

/// <summary>A process that serves signals, as its Lease tells. Immutable; what changes is another one.</summary>
/// <param name="role">What it is.</param>
/// <param name="id">Its name among those of its role: a node's is that of its Node.</param>
/// <param name="address">Where it listens.</param>
/// <param name="certificate">SHA-256 of its certificate, in hexadecimal digits.</param>
/// <param name="facts">What else it tells (<see cref="PeerFacts"/>).</param>
public sealed class Peer(PeerRole role, string id, Uri address, string certificate, IReadOnlyDictionary<string, string> facts)
{
    public PeerRole Role { get; } = role;

    public string Id { get; } = id;

    public Uri Address { get; } = address;

    public string Certificate { get; } = certificate;

    /// <summary>One of <see cref="PeerFacts"/>; empty when it is not told.</summary>
    public string Fact(string name) => facts.GetValueOrDefault(name, "");

    public override string ToString() => $"{Role.Text()} {Id} at {Address.Authority}";

    /// <summary>Whether both tell the same.</summary>
    internal bool Tells(Peer other) => (Role, Id, Address, Certificate) == (other.Role, other.Id, other.Address, other.Certificate)
        && Facts.Count == other.Facts.Count && Facts.All(f => other.Fact(f.Key) == f.Value);

    private IReadOnlyDictionary<string, string> Facts => facts;
}
