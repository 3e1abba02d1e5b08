using Serval.Api;
using Serval.Kube;

namespace Serval.Controllers.Workloads;

/// <summary>What workload controllers ask of a namespace.</summary>
internal static class Namespaces
{
    /// <summary>Whether it is being deleted: nothing new may be made in it, what is there goes by itself.</summary>
    internal static bool IsClosing(IKubeClient client, string ns) =>
        client.Cache(Kinds.Namespace).Get(ObjectKey.Cluster(ns)) is { Metadata.IsDeleting: true };
}
