using Serval.Api;

namespace Serval.ApiServer.Proxying;

/// <summary>The port of a pod that a request goes on to.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Uid">Its uid: another pod of its name is not meant.</param>
/// <param name="Host">Its address.</param>
/// <param name="Port">The port.</param>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
internal sealed record ProxyTarget(ObjectKey Pod, string Uid, string Host, int Port, string Scheme)
{
    /// <summary>As it stands in a URL.</summary>
    public string Authority => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
