using Serval.Api.Core;

namespace Serval.Node.Containers;

/// <summary>The ConfigMaps and Secrets of one namespace.</summary>
internal interface IReferences
{
    ConfigMap? ConfigMap(string name);

    Secret? Secret(string name);
}
