using Serval.Api;

namespace Serval.ApiServer.Proxying;

/// <summary>What a proxied path calls the object: <c>NAME</c>, <c>NAME:PORT</c> or <c>SCHEME:NAME:PORT</c> (apimachinery util/net, SplitSchemeNamePort).</summary>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Port">A number, a port's name, or empty: the object says.</param>
internal readonly record struct ProxyName(string Scheme, string Name, string Port)
{
    /// <summary><see cref="ApiException"/> BadRequest for another form.</summary>
    public static ProxyName Parse(string text, ResourceKind kind)
    {
        var name = text.Split(':') switch
        {
            [var alone] => new ProxyName("", alone, ""),
            [var named, var port] => new ProxyName("", named, port),
            [var scheme, var named, var port] => new ProxyName(scheme, named, port),
            _ => default,
        };
        return name.Name is { Length: > 0 } && name.Scheme is "" or "http" or "https"
            ? name with { Scheme = name.Scheme.Length == 0 ? "http" : name.Scheme }
            : throw ApiException.BadRequest($"invalid {kind.Singular} request \"{text}\"");
    }
}
