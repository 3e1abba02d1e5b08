using Serval.Api;
using Serval.Api.Admission;
using Serval.Api.Config;

namespace Serval.Kube;

/// <summary>
/// What Knative's webhooks do to an object before it is stored, done to one that was stored without them: another API server than Serval's knows
/// the schemas of Knative's kinds, not their defaults and rules.
/// </summary>
/// <param name="config">The cluster's settings.</param>
public sealed class KnativeRules(Func<ServingConfig> config)
{
    private static readonly AdmissionContext s_knatives = new() { Config = ServingConfig.Default };

    /// <summary>
    /// The object with what its author left out: Knative's own defaults, whatever the cluster's settings say. An object is completed whenever it is read, and a
    /// setting that changes must not change what was written before, nor may two processes see two objects.
    /// </summary>
    public static KubeObject Complete(ResourceKind kind, KubeObject obj) => kind.IsCustom && kind.Shape is null && obj.Kind == kind.Kind
        ? obj.With(tree => Defaulting.Apply(kind, tree, null, s_knatives))
        : obj;

    /// <summary>Why a complete object would have been refused; null when it would not.</summary>
    public string? WhyInvalid(ResourceKind kind, KubeObject obj) =>
        Validation.Validate(kind, obj.ToTree(), null, Context) is { Count: > 0 } errors ? $"validation failed: {Validation.Describe(errors)}" : null;

    private AdmissionContext Context => new() { Config = config() };
}
