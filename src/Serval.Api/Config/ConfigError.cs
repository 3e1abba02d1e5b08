namespace Serval.Api.Config;

/// <summary>A value of a <c>config-*</c> ConfigMap that cannot be used. The last good configuration stays in force.</summary>
/// <param name="ConfigMap">For example <c>config-autoscaler</c>.</param>
/// <param name="Key">For example <c>stable-window</c>.</param>
/// <param name="Value">What was written.</param>
/// <param name="Allowed">What is allowed, as the end of a sentence: <c>must be between 6s and 1h0m0s</c>.</param>
public sealed record ConfigError(string ConfigMap, string Key, string Value, string Allowed)
{
    /// <summary>The whole sentence.</summary>
    public string Message => $"{ConfigMap}: {Key} = \"{Value}\": {Allowed}";

    public override string ToString() => Message;
}
