using System.Text.Json.Nodes;

namespace Serval.Api.Crds;

/// <summary><c>status.conditions</c> of a CustomResourceDefinition (apiextensions-apiserver pkg/apihelpers: SetCRDCondition).</summary>
public static class DefinitionConditions
{
    /// <summary>Holds a definition until its objects are gone.</summary>
    public const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";

    public const string NamesAccepted = "NamesAccepted";
    public const string Established = "Established";
    public const string Terminating = "Terminating";

    /// <summary>Sets a condition; its time is that of the last change of its status.</summary>
    public static void Set(JsonObject status, string type, bool value, string reason, string message, DateTimeOffset now)
    {
        if (status["conditions"] is not JsonArray conditions)
        {
            status["conditions"] = conditions = [];
        }
        var condition = conditions.OfType<JsonObject>().FirstOrDefault(c => (string?)c["type"] == type);
        if (condition is null)
        {
            conditions.Add(condition = new JsonObject { ["type"] = type });
        }
        var text = value ? "True" : "False";
        if ((string?)condition["status"] != text || condition["lastTransitionTime"] is null)
        {
            condition["lastTransitionTime"] = KubeTime.Text(now);
        }
        (condition["status"], condition["reason"], condition["message"]) = (text, reason, message);
    }

    /// <summary>Whether a condition of a definition is True.</summary>
    public static bool IsTrue(this CustomResourceDefinitionStatus status, string type) => status.Conditions.Any(c => c.Type == type && c.Status == "True");
}
