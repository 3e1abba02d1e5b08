using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Kube;

/// <summary>Fields of a status under construction.</summary>
public static class StatusFields
{
    /// <summary>The status as a tree of its own; empty when there is none. Nothing else of the object is read.</summary>
    public static JsonObject Of(KubeObject obj)
    {
        var status = obj.Member("status");
        return status.IsEmpty ? [] : CanonicalJson.Parse(status.Span) as JsonObject ?? [];
    }

    /// <summary>Sets the field, unless there is nothing to say.</summary>
    public static void Put(this JsonObject status, string name, string value)
    {
        if (value.Length > 0)
        {
            status[name] = value;
        }
    }

    /// <summary>Sets the field, unless it is 0 and so left out as Kubernetes does.</summary>
    public static void Put(this JsonObject status, string name, int value)
    {
        if (value != 0)
        {
            status[name] = value;
        }
    }

    /// <summary>The fields become those of the status of <paramref name="source"/>; what that has not, the status has not either.</summary>
    public static void Copy(JsonObject status, KubeObject source, params ReadOnlySpan<string> fields)
    {
        var before = Of(source);
        foreach (var field in fields)
        {
            if (before[field] is { } value)
            {
                status[field] = value.DeepClone();
            }
            else
            {
                status.Remove(field);
            }
        }
    }
}
