using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Admission;
using Serval.ApiServer.Tables;
using Serval.Remote;

namespace Serval.Kn;

/// <summary>How old things are, as tables show it.</summary>
internal static class Ages
{
    public static string Of(JsonObject obj, DateTimeOffset now) => HumanDuration.Since(Conditions.Time(obj.Object("metadata"), "creationTimestamp"), now);

    public static string Of(Condition condition, DateTimeOffset now) => HumanDuration.Since(condition.LastTransitionTime, now);
}
