using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Domains;

/// <summary>What a DomainMapping leads to: the Kubernetes Service by whose name its target is reached inside the cluster.</summary>
/// <param name="Host"><c>name.namespace.svc.cluster.local</c>.</param>
/// <param name="Service">The name in it.</param>
internal sealed record MappingTarget(string Host, string Service)
{
    private const string Suffix = ".svc." + KnativeNames.ClusterDomain;

    /// <summary>What can be called: a Service by its name, the others at the address of their status.</summary>
    internal static readonly IReadOnlyList<ResourceKind> Kinds = [Api.Kinds.Service, Api.Kinds.KService, Api.Kinds.Route, Api.Kinds.DomainMapping];

    /// <summary>Resolves a reference (knative.dev/pkg: resolver), to a Service of the namespace (serving: reconciler/domainmapping).</summary>
    /// <exception cref="UnresolvedException">There is no such target yet, or it cannot be one.</exception>
    internal static MappingTarget Of(IKubeClient client, string ns, KReference reference)
    {
        var url = UrlOf(client, ns, reference);
        if (url.AbsolutePath.TrimEnd('/').Length > 0)
        {
            throw new UnresolvedException($"resolved URI \"{url.OriginalString}\" contains a path");
        }
        var parts = url.Host.EndsWith(Suffix, StringComparison.Ordinal) ? url.Host[..^Suffix.Length].Split('.') : [];
        return parts switch
        {
            [var service, var owner] when owner == ns => new MappingTarget(url.Host, service),
            [_, _] => throw new UnresolvedException($"resolved URI \"{url.OriginalString}\" must be in same namespace as DomainMapping"),
            _ => throw new UnresolvedException($"resolved URI \"{url.OriginalString}\" must be of the form {{name}}.{{namespace}}{Suffix}"),
        };
    }

    private static Uri UrlOf(IKubeClient client, string ns, KReference reference)
    {
        const string Prefix = "resolving reference: ";
        if (Api.Kinds.Find(reference.ApiVersion, reference.Kind) is not { } kind)
        {
            throw new UnresolvedException($"failed to get lister for {reference.ApiVersion}: there is no kind {reference.Kind}", Prefix);
        }
        var key = new ObjectKey(ns, reference.Name);
        var stored = Kinds.Contains(kind) ? client.Cache(kind).Get(key) : null;
        if (stored is null && Kinds.Contains(kind))
        {
            throw new UnresolvedException($"failed to get object {key}: {kind.ResourceName} \"{key.Name}\" not found", Prefix);
        }
        if (kind == Api.Kinds.Service)
        {
            return new Uri($"http://{KnativeNames.ServiceHost(key.Name, key.Namespace)}");
        }
        var address = stored is null ? null : Address(StatusFields.Of(stored), reference);
        if (address is null)
        {
            throw new UnresolvedException(
                reference.Address.Length > 0 ? $"address with name \"{reference.Address}\" not found for {reference}" : $"address not set for {reference}", Prefix);
        }
        return (string?)address["url"] is not { Length: > 0 } text ? throw new UnresolvedException($"URL missing in address of {reference}", Prefix)
            : Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0 ? url
            : throw new UnresolvedException($"hostname missing in address of {reference}", Prefix);
    }

    private static JsonObject? Address(JsonObject status, KReference reference)
    {
        var addresses = (status["addresses"] as JsonArray ?? []).OfType<JsonObject>();
        return reference.Address.Length > 0
            ? addresses.FirstOrDefault(a => (string?)a["name"] == reference.Address)
            : addresses.FirstOrDefault() ?? status["address"] as JsonObject;
    }
}

/// <summary>A reference leads nowhere.</summary>
/// <param name="message">Why, for the condition.</param>
/// <param name="prefix">What the event says ahead of it.</param>
internal sealed class UnresolvedException(string message, string prefix = "") : Exception(message)
{
    public string Told => prefix + Message;
}
