using Serval.Cli;
using Serval.Images;
using Serval.Kube;
using Serval.Node;

namespace Serval.Composition;

/// <summary>The pods of this machine.</summary>
internal static class NodePart
{
    public static async Task<NodeAgent> StartAsync(
        StartedParts started, PartServices services, NodeOptions settings, ICapacitySignal capacity, ImageStore images, IDrainGate drain, ForcedEnd? forcedEnd,
        CancellationToken ct)
    {
        var node = started.Add(new NodeAgent(
            settings with { Time = services.Time, Loggers = services.Loggers }, services.Client, capacity, new StoredImageRoots(images), drain, services.Events));
        forcedEnd?.Register(node.Kill);
        await node.StartAsync(ct);
        return node;
    }
}
