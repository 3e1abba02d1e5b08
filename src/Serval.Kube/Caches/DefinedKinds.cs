using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Serval.Api;
using Serval.Api.Crds;

namespace Serval.Kube;

/// <summary>
/// CustomResourceDefinitions → kinds, on the thread that publishes: whoever finished writing a definition finds its kind. Only those that are established
/// are served, under their accepted names.
/// </summary>
public sealed partial class DefinedKinds : IDisposable
{
    private readonly KindRegistry _kinds;
    private readonly ILogger _logger;
    private readonly IDisposable _subscription;
    private readonly Dictionary<string, Seen> _seen = new(StringComparer.Ordinal); // the publishing thread's own

    /// <param name="kinds">Gets the kinds.</param>
    /// <param name="subscribe">Subscribes to the definitions; best so that a change is heard of before clients see it.</param>
    /// <param name="logger">Hears of those that cannot be read.</param>
    public DefinedKinds(KindRegistry kinds, Func<Action<CacheChange>, IDisposable> subscribe, ILogger logger)
    {
        (_kinds, _logger) = (kinds, logger);
        _subscription = subscribe(Follow);
    }

    public void Dispose() => _subscription.Dispose();

    /// <summary>A definition that cannot be served, whoever wrote it, stands in the way of nothing else: neither of other writes nor of the next start.</summary>
    private void Follow(CacheChange change)
    {
        var name = change.New.Metadata.Name;
        try
        {
            Follow(change, name);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.Unreadable(_logger, e, name);
            Forget(name);
        }
    }

    private void Follow(CacheChange change, string name)
    {
        if (KindRegistry.BuiltIn.Resources.Any(k => k.ResourceName == name))
        {
            return; // our own, or one whose names can never be accepted
        }
        var accepted = StatusFields.Of(change.New)["acceptedNames"];
        if (change.Type == WatchEventType.Deleted || (string?)accepted?["plural"] is not { Length: > 0 } plural)
        {
            Forget(name);
            return;
        }
        var definition = change.New.As<CustomResourceDefinition>();
        if (!definition.Status.IsTrue(DefinitionConditions.Established) || name != $"{plural}.{definition.Spec.Group}")
        {
            Forget(name);
            return;
        }
        var isTerminating = definition.Metadata.IsDeleting || definition.Status.IsTrue(DefinitionConditions.Terminating);
        var seen = new Seen(change.New.Member("spec"), CanonicalJson.Serialize(accepted), isTerminating);
        if (!_seen.TryGetValue(name, out var before) || !before.SameAs(seen))
        {
            _kinds.Set(Resource(change.New, definition, isTerminating));
            _seen[name] = seen;
        }
    }

    private void Forget(string name)
    {
        if (_seen.Remove(name))
        {
            _kinds.Remove(name);
        }
    }

    private static CustomResource Resource(KubeObject stored, CustomResourceDefinition definition, bool isTerminating)
    {
        var names = definition.Status.AcceptedNames;
        return new CustomResource
        {
            Group = definition.Spec.Group, Plural = names.Plural, Kind = names.Kind, Namespaced = definition.Spec.Scope == "Namespaced", IsTerminating = isTerminating,
            Versions = [.. definition.Spec.Versions.Select(v => new CustomVersion(v.Name, v.Served, v.Storage, Shape(stored, definition, v)))],
        };
    }

    private static KindShape Shape(KubeObject stored, CustomResourceDefinition definition, CustomResourceVersion version)
    {
        var names = definition.Status.AcceptedNames;
        return new KindShape
        {
            Singular = names.Singular, ListKind = names.ListKind, ShortNames = names.ShortNames, Categories = names.Categories,
            HasStatus = version.Subresources.Status is not null, Scale = version.Subresources.Scale,
            Columns = [.. version.AdditionalPrinterColumns.Select(c => new PrinterColumn(c.Name, c.Type, c.JsonPath, c.Priority, c.Format, c.Description))],
            SelectableFields = [.. version.SelectableFields.Select(f => f.JsonPath)],
            Deprecation = version switch
            {
                { Deprecated: false } => "",
                { DeprecationWarning: { } warning } => warning,
                _ => $"{definition.Spec.Group}/{version.Name} {definition.Spec.Names.Kind} is deprecated" + Instead(definition.Spec, version),
            },
            OpenApi = () => SchemaOf(stored, version.Name), Revision = $"{stored.Metadata.Uid} {stored.Metadata.Generation}",
        };
    }

    /// <summary>The newest served version that is newer and not deprecated, as a hint (apiextensions-apiserver customresource_handler.go: defaultDeprecationWarning).</summary>
    private static string Instead(CustomResourceDefinitionSpec spec, CustomResourceVersion deprecated) => spec.Versions
        .Where(v => v.Served && !v.Deprecated && KubeVersionOrder.Instance.Compare(v.Name, deprecated.Name) < 0)
        .Select(v => v.Name).Order(KubeVersionOrder.Instance).FirstOrDefault() is { } better ? $"; use {spec.Group}/{better} {spec.Names.Kind}" : "";

    // Read when it is asked for: most schemas never are.
    private static JsonObject SchemaOf(KubeObject stored, string version) => (JsonObject)stored.ToTree()["spec"]!["versions"]!.AsArray()
        .First(v => (string?)v!["name"] == version)!["schema"]!["openAPIV3Schema"]!.DeepClone();

    /// <summary>The part of a definition that says what is served.</summary>
    private sealed record Seen(ReadOnlyMemory<byte> Spec, byte[] Names, bool IsTerminating)
    {
        public bool SameAs(Seen other) =>
            IsTerminating == other.IsTerminating && Spec.Span.SequenceEqual(other.Spec.Span) && Names.AsSpan().SequenceEqual(other.Names);
    }

    private static partial class Log
    {
        [LoggerMessage(1103, LogLevel.Warning, "CustomResourceDefinition {Name} cannot be served as it is stored; correct or delete it")]
        public static partial void Unreadable(ILogger logger, Exception e, string name);
    }
}
