using System.Collections.Frozen;

namespace Serval.Api.Config;

/// <summary>What a line of the request log may tell (serving: pkg/http, RequestLogTemplateInput).</summary>
public sealed record LoggedRequest
{
    public string Method { get; init; } = "";

    /// <summary>Path and query, as sent.</summary>
    public string Target { get; init; } = "";
    public string Host { get; init; } = "";

    /// <summary>For example <c>HTTP/1.1</c>.</summary>
    public string Protocol { get; init; } = "";

    /// <summary>Address and port of the client.</summary>
    public string RemoteAddress { get; init; } = "";

    /// <summary>Bytes of the request's body; -1 when it was not said.</summary>
    public long ContentLength { get; init; }

    /// <summary>Those of <see cref="RequestLogTemplate.Headers"/> that were sent; names in any case.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = FrozenDictionary<string, string>.Empty;
    public int Status { get; init; }

    /// <summary>Bytes of the answer's body.</summary>
    public long Size { get; init; }
    public TimeSpan Latency { get; init; }
    public string Revision { get; init; } = "";
    public string Namespace { get; init; } = "";
    public string Service { get; init; } = "";
    public string Configuration { get; init; } = "";
    public string PodName { get; init; } = "";
    public string PodIP { get; init; } = "";
}
