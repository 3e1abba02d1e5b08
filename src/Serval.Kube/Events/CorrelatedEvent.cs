using System.Globalization;
using System.Text.Json;
using Serval.Api;

namespace Serval.Kube;

/// <summary>One Event object in the making: how often and when the same thing happened. Guarded by its owner.</summary>
internal sealed class CorrelatedEvent
{
    /// <summary>Where events about objects without a namespace go (client-go: makeEvent).</summary>
    private const string ClusterNamespace = "default";

    private const int LongestName = 253; // of a DNS subdomain

    private readonly EventNote _first;
    private readonly DateTimeOffset _firstSeen;
    private DateTimeOffset _lastSeen;
    private string _message = "";
    private int _count;

    internal CorrelatedEvent(in EventNote note, long unique, DateTimeOffset now)
    {
        (_first, _firstSeen) = (note, now);
        var suffix = unique.ToString("x", CultureInfo.InvariantCulture);
        var name = note.About.Name;
        Key = new ObjectKey(
            note.About.Namespace.Length > 0 ? note.About.Namespace : ClusterNamespace,
            $"{(name.Length + 1 + suffix.Length > LongestName ? name[..(LongestName - 1 - suffix.Length)] : name)}.{suffix}");
    }

    internal ObjectKey Key { get; }

    /// <summary>It waits to be written.</summary>
    internal bool Queued { get; set; }

    /// <summary>The object exists, as far as known: the next write changes it.</summary>
    internal bool Written { get; set; }

    internal int Count => _count;

    internal string FieldPath => _first.About.FieldPath;

    internal string Message => _message;

    internal DateTimeOffset LastSeen => _lastSeen;

    /// <summary>It happened, perhaps again.</summary>
    internal CorrelatedEvent Happened(string message, DateTimeOffset now)
    {
        _count++;
        _lastSeen = now;
        _message = message;
        return this;
    }

    /// <summary>The whole object.</summary>
    internal KubeObject ToObject()
    {
        var about = _first.About;
        return KubeObject.FromCanonical(CanonicalJson.Serialize(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("apiVersion", Kinds.Event.ApiVersion);
            writer.WriteNumber("count", _count);
            writer.WriteString("firstTimestamp", Text(_firstSeen));
            writer.WriteStartObject("involvedObject");
            WriteFilled(writer, "apiVersion", about.ApiVersion);
            WriteFilled(writer, "fieldPath", about.FieldPath);
            WriteFilled(writer, "kind", about.Kind);
            WriteFilled(writer, "name", about.Name);
            WriteFilled(writer, "namespace", about.Namespace);
            WriteFilled(writer, "resourceVersion", about.ResourceVersion);
            WriteFilled(writer, "uid", about.Uid);
            writer.WriteEndObject();
            writer.WriteString("kind", Kinds.Event.Kind);
            writer.WriteString("lastTimestamp", Text(_lastSeen));
            writer.WriteString("message", _message);
            writer.WriteStartObject("metadata");
            writer.WriteString("name", Key.Name);
            writer.WriteString("namespace", Key.Namespace);
            writer.WriteEndObject();
            writer.WriteString("reason", _first.Reason);
            writer.WriteString("reportingComponent", _first.Source.Component);
            writer.WriteString("reportingInstance", _first.Source.Host);
            writer.WriteStartObject("source");
            WriteFilled(writer, "component", _first.Source.Component);
            WriteFilled(writer, "host", _first.Source.Host);
            writer.WriteEndObject();
            writer.WriteString("type", _first.Type == EventType.Warning ? "Warning" : "Normal");
            writer.WriteEndObject();
        }));
    }

    /// <summary>What changes when it happens again.</summary>
    internal KubePatch ToPatch() => new(PatchType.Merge, CanonicalJson.Serialize(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("count", _count);
        writer.WriteString("lastTimestamp", Text(_lastSeen));
        writer.WriteString("message", _message);
        writer.WriteEndObject();
    }));

    private static void WriteFilled(Utf8JsonWriter writer, string name, string value)
    {
        if (value.Length > 0)
        {
            writer.WriteString(name, value);
        }
    }

    private static string Text(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
