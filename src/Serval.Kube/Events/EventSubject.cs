using Serval.Api;

namespace Serval.Kube;

/// <summary>The object an event is about (core/v1: Event.involvedObject).</summary>
/// <param name="FieldPath">Part of the object, for example <c>spec.containers{main}</c>; empty is the whole.</param>
public readonly record struct EventSubject(
    string ApiVersion, string Kind, string Namespace, string Name, string Uid, string ResourceVersion, string FieldPath = "")
{
    public static EventSubject Of(KubeObject obj) => Of(obj.ApiVersion, obj.Kind, obj.Metadata);

    public static EventSubject Of(string apiVersion, string kind, ObjectMeta metadata) =>
        new(apiVersion, kind, metadata.Namespace, metadata.Name, metadata.Uid, metadata.ResourceVersion);
}
