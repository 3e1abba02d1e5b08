using System.Globalization;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;

namespace Serval.Remote;

/// <summary>Conditions of an object's status.</summary>
internal static class Conditions
{
    public const string ReadyType = "Ready";

    public static IReadOnlyList<Condition> Of(JsonObject obj) =>
    [
        .. obj.Object("status").Objects("conditions").Select(c => c.Item).Select(c => new Condition
        {
            Type = c.String("type"), Status = c.String("status"), Severity = c.String("severity"), Reason = c.String("reason"), Message = c.String("message"),
            LastTransitionTime = Time(c, "lastTransitionTime"),
        }),
    ];

    public static Condition? Ready(JsonObject obj) => Of(obj).FirstOrDefault(c => c.Type == ReadyType);

    /// <summary>Whether the status tells about what is asked for now.</summary>
    public static bool AreCurrent(JsonObject obj) => obj.Object("status").Number("observedGeneration") == obj.Object("metadata").Number("generation");

    /// <summary>A time of the API, or null.</summary>
    public static DateTimeOffset? Time(JsonObject? obj, string field) =>
        DateTimeOffset.TryParse(obj.String(field), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
}
