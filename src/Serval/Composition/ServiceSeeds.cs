using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Core;
using Serval.Api.Networking;
using Serval.Cli;
using Serval.Kube;
using Serval.Node.Network;

namespace Serval.Composition;

/// <summary>The range of Services' addresses, and the addresses of Services that an earlier version stored without.</summary>
internal static partial class ServiceSeeds
{
    private static readonly WriteOptions s_options = WriteOptions.By("serval");

    internal static async Task PlantAsync(IKubeClient client, IPNetwork? wanted, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        if (client.Cache(Kinds.ServiceCidr).Get(ObjectKey.Cluster(ServiceRange.Name)) is not { } stored)
        {
            await PlantRangeAsync(client, wanted ?? ServiceNetworks.Choose(), time, ct);
        }
        else if (wanted is not null && ServiceRange.Read(stored) is var present && present != wanted)
        {
            throw new CliException(ExitCodes.Failed, $"Services of this data directory have addresses of {present}, which cannot be changed; leave out --service-cidr");
        }
        await Task.WhenAll(client.Cache(Kinds.Service).List()
            .Where(s => s.As<Service>().Spec is { ClusterIP: "", Type: not "ExternalName" })
            .Select(s => CompleteAsync(client, s.Key, logger, ct)));
    }

    private static async Task CompleteAsync(IKubeClient client, ObjectKey service, ILogger logger, CancellationToken ct)
    {
        try
        {
            await client.PatchAsync(Kinds.Service, service, new KubePatch(PatchType.Merge, "{}"u8.ToArray()), s_options, ct);
        }
        catch (ApiException e)
        {
            Log.WithoutAddress(logger, service, e.Message);
        }
    }

    private static async Task PlantRangeAsync(IKubeClient client, IPNetwork range, TimeProvider time, CancellationToken ct)
    {
        var planted = await client.CreateAsync(Kinds.ServiceCidr, ServiceRange.Object(range), s_options, ct);
        var ready = new JsonObject
        {
            ["type"] = "Ready", ["status"] = "True", ["reason"] = "", ["message"] = "Kubernetes default Service CIDR is ready", ["lastTransitionTime"] = KubeTime.Text(time.GetUtcNow()),
        };
        var status = CanonicalJson.Serialize(new JsonObject { ["status"] = new JsonObject { ["conditions"] = new JsonArray(ready) } });
        await client.PatchAsync(Kinds.ServiceCidr, planted.Key, new KubePatch(PatchType.Merge, status), s_options with { Subresource = "status" }, ct);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The Service {Service} stays without an address: {Cause}")]
        public static partial void WithoutAddress(ILogger logger, ObjectKey service, string cause);
    }
}
