using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Networking;
using Serval.Api.Serving;
using Serval.Kube;

namespace Serval.Controllers.Domains;

/// <summary>
/// A domain name belongs to the namespace its ClusterDomainClaim names (serving: reconciler/domainmapping). Claims made here carry a label, the
/// namespace they were made for: those are deleted with their mapping, an administrator's stay. Instead of a finalizer on the mapping, a claim whose mapping is gone runs that mapping's key.
/// </summary>
internal sealed class DomainClaims(IKubeClient client, ServingConfigSource config, string manager)
{
    /// <summary>Sees to it that the name is the mapping's; null when it is, else why not.</summary>
    internal async Task<ClaimRefusal?> ClaimAsync(KubeObject mapping, CancellationToken ct)
    {
        var (name, ns) = (mapping.Metadata.Name, mapping.Metadata.Namespace);
        if (Find(name) is { } claim)
        {
            return claim.As<ClusterDomainClaim>().Spec.Namespace == ns ? null : ClaimRefusal.Taken($"namespace \"{ns}\" does not own ClusterDomainClaim for \"{name}\"");
        }
        if (!config.Current.Network.AutocreateClusterDomainClaims)
        {
            return ClaimRefusal.Taken($"no ClusterDomainClaim found for domain \"{name}\" (and autocreate-cluster-domain-claims property is not true)");
        }
        var made = new JsonObject
        {
            ["apiVersion"] = Kinds.ClusterDomainClaim.ApiVersion,
            ["kind"] = Kinds.ClusterDomainClaim.Kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["labels"] = new JsonObject { [KnativeNames.DomainMappingNamespaceLabel] = ns } },
            ["spec"] = new JsonObject { ["namespace"] = ns },
        };
        try
        {
            await client.CreateAsync(Kinds.ClusterDomainClaim, KubeObject.From(made), WriteOptions.By(manager), ct);
            return null;
        }
        catch (ApiException e) when (e.IsRejection)
        {
            return new ClaimRefusal("DomainClaimFailed", e.Message, $"failed to create ClusterDomainClaim: {e.Message}");
        }
    }

    /// <summary>The mapping is gone: so is the claim that was made for it. Where claims are an administrator's matter it stays.</summary>
    internal async Task ReleaseAsync(ObjectKey mapping, CancellationToken ct)
    {
        if (config.Current.Network.AutocreateClusterDomainClaims && Find(mapping.Name) is { } claim
            && claim.Metadata.Label(KnativeNames.DomainMappingNamespaceLabel) == mapping.Namespace && claim.As<ClusterDomainClaim>().Spec.Namespace == mapping.Namespace)
        {
            await OwnedObjects.DeleteIfPresentAsync(client, Kinds.ClusterDomainClaim, claim, ct);
        }
    }

    private KubeObject? Find(string name) => client.Cache(Kinds.ClusterDomainClaim).Get(new ObjectKey("", name)) is { Metadata.IsDeleting: false } claim ? claim : null;
}

/// <summary>Why a mapping does not get its name.</summary>
/// <param name="Reason">Of the condition.</param>
/// <param name="Message">Of the condition.</param>
/// <param name="Told">What the event says.</param>
internal sealed record ClaimRefusal(string Reason, string Message, string Told)
{
    internal static ClaimRefusal Taken(string told) => new("DomainAlreadyClaimed", "The domain name is already in use by another DomainMapping", told);
}
