namespace Serval.Api.Schema;

/// <summary>
/// Lists of a pod whose items core/v1 tells apart by keys, but Knative's definitions do not: there an item may lack its key, as a container its
/// name. (knative.dev/serving: config/core/300-resources.)
/// </summary>
internal static class DefinitionLists
{
    public static bool IsUnmarked(FieldSchema field) =>
        field.ListKind == ListKind.Map && field.Name is ("containers" or "initContainers" or "hostAliases" or "topologySpreadConstraints" or "ports");
}
