using System.Text.Json.Nodes;
using Serval.Api;

namespace Serval.Signals;

/// <summary>Failures as they are written.</summary>
internal static class Statuses
{
    public static JsonObject Of(ApiException error)
    {
        var status = new JsonObject
        {
            ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Failure", ["message"] = error.Message, ["reason"] = error.Reason,
        };
        var details = error.Details?.DeepClone() as JsonObject;
        if (error.Causes.Count > 0)
        {
            details ??= [];
            details["causes"] = new JsonArray([.. error.Causes.Select(c => new JsonObject { ["reason"] = c.Reason, ["message"] = c.Message, ["field"] = c.Field })]);
        }
        if (details is not null)
        {
            status["details"] = details;
        }
        status["code"] = error.Code;
        return status;
    }
}
