using Serval.Api;

namespace Serval.Controllers.Networking;

/// <summary>What the feed has to do again.</summary>
internal enum FeedSource
{
    Ingress,

    /// <summary>A Service, ServerlessService or Revision that Ingresses may name.</summary>
    Target,

    /// <summary>The endpoints of a Service.</summary>
    Endpoints,

    /// <summary>A Secret that Ingresses may name.</summary>
    Secret,

    /// <summary>The table itself, when what was compiled could not be published. It has no key.</summary>
    Table,
}

/// <summary>One piece of the feed's work.</summary>
internal readonly record struct FeedKey(FeedSource Source, ObjectKey Key)
{
    internal static readonly FeedKey Table = new(FeedSource.Table, default);

    public override string ToString() => Source == FeedSource.Table ? "the route table" : $"{Source} {Key}";
}
