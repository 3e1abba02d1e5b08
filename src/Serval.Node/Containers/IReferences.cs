using Serval.Api;
using Serval.Api.Core;

namespace Serval.Node.Containers;

/// <summary>What pods of one namespace refer to.</summary>
internal interface IReferences
{
    ConfigMap? ConfigMap(string name);

    Secret? Secret(string name);

    ObjectMeta? ServiceAccount(string name);
}
