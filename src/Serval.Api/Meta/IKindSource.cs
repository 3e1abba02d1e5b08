namespace Serval.Api;

/// <summary>The kinds a server serves: those of <see cref="Kinds"/>, and custom ones that come and go. Reads take no lock.</summary>
public interface IKindSource
{
    /// <summary>Grows with every change.</summary>
    long Version { get; }

    /// <summary>Every served kind, each version of it, in the order discovery lists them.</summary>
    IReadOnlyList<ResourceKind> All { get; }

    /// <summary>Every resource once, in the version its objects are kept in, served or not: what to go through to find all objects.</summary>
    IReadOnlyList<ResourceKind> Resources { get; }

    /// <summary>Called after each change with the <see cref="ResourceKind.ResourceName"/>, on the thread that made it: it must not block.</summary>
    event Action<string> Changed;

    /// <summary>The kind of an object's <c>apiVersion</c> and <c>kind</c>, or null when it is not served.</summary>
    ResourceKind? Find(string apiVersion, string kind);

    /// <summary>As <see cref="Find"/>, and kinds that are no longer served: what an object's owner was.</summary>
    ResourceKind? FindFormer(string apiVersion, string kind);

    /// <summary>The kind behind a path, or null.</summary>
    ResourceKind? FindPlural(string group, string version, string plural);
}
