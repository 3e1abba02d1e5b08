namespace Serval.Api.Crds;

/// <summary><c>status.conditions</c> of a CustomResourceDefinition (apiextensions-apiserver pkg/apihelpers).</summary>
public static class DefinitionConditions
{
    /// <summary>Holds a definition until its objects are gone.</summary>
    public const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";

    public const string NamesAccepted = "NamesAccepted";
    public const string Established = "Established";
    public const string Terminating = "Terminating";

    /// <summary>Whether a condition of a definition is True.</summary>
    public static bool IsTrue(this CustomResourceDefinitionStatus status, string type) => status.Conditions.Any(c => c.Type == type && c.Status == "True");
}
