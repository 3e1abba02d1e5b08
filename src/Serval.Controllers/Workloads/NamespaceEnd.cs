using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Controllers.Workloads;

/// <summary>
/// What still keeps a namespace that is being deleted, and the conditions that say so (kubernetes pkg/controller/namespace/deletion:
/// status_condition_utils.go). Of what is deleted and how it is found Serval knows without asking: the conditions about discovery and the parsing of group versions are
/// never True. Pure.
/// </summary>
internal sealed class NamespaceEnd
{
    private static readonly (string Type, string Reason, string Message)[] s_fine =
    [
        ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
        ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
    ];

    private readonly List<string> _failures = [];
    private readonly Dictionary<string, int> _resources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _finalizers = new(StringComparer.Ordinal);

    /// <summary>Whether anything is left that was counted.</summary>
    public bool IsEmpty => _resources.Count == 0;

    /// <summary>What could not be deleted and why; empty when all could.</summary>
    public string Failures => _failures.Count == 0 ? "" : string.Create(
        CultureInfo.InvariantCulture, $"Failed to delete all resource types, {_failures.Count} remaining: {string.Join(", ", _failures.Order(StringComparer.Ordinal))}");

    /// <summary>Notes why the objects of a resource could not be deleted.</summary>
    public void Fail(string message) => _failures.Add(message);

    /// <summary>Counts the objects of a resource that are still there.</summary>
    public void Count(ResourceKind kind, IReadOnlyCollection<KubeObject> left)
    {
        if (left.Count == 0)
        {
            return;
        }
        _resources[$"{kind.Plural}.{kind.Group}"] = left.Count;
        foreach (var finalizer in left.SelectMany(o => o.Metadata.Finalizers))
        {
            _finalizers[finalizer] = _finalizers.GetValueOrDefault(finalizer) + 1;
        }
    }

    /// <summary>Sets the conditions; the time of one is that of its last change of status.</summary>
    public void Tell(JsonObject status, DateTimeOffset now)
    {
        foreach (var (type, reason, message) in s_fine)
        {
            var wrong = type switch
            {
                "NamespaceDeletionContentFailure" when _failures.Count > 0 => ("ContentDeletionFailed", Failures),
                "NamespaceContentRemaining" when _resources.Count > 0 =>
                    ("SomeResourcesRemain", $"Some resources are remaining: {List(_resources, "has")}"),
                "NamespaceFinalizersRemaining" when _finalizers.Count > 0 =>
                    ("SomeFinalizersRemain", $"Some content in the namespace has finalizers remaining: {List(_finalizers, "in")}"),
                _ => default((string Reason, string Message)?),
            };
            ConditionList.Set(status, type, wrong is not null, wrong?.Item1 ?? reason, wrong?.Item2 ?? message, now);
        }
    }

    private static string List(Dictionary<string, int> counts, string verb) => string.Join(
        ", ", counts.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c.Key} {verb} {c.Value} resource instances")).Order(StringComparer.Ordinal));
}
