using Serval.Api;
using Serval.Api.Core;

namespace Serval.Node.Containers;

/// <summary>What pods of one namespace refer to.</summary>
internal interface IReferences
{
    ConfigMap? ConfigMap(string name);

    Secret? Secret(string name);

    ObjectMeta? ServiceAccount(string name);

    /// <summary>The Services of the pod's namespace whose addresses it reaches, but for <c>default/kubernetes</c>.</summary>
    IEnumerable<(string Name, ServiceSpec Spec)> Services();
}
