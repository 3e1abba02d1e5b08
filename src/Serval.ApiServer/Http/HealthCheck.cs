namespace Serval.ApiServer.Http;

/// <summary>One thing that must be well for the server to be.</summary>
/// <param name="Name">As the paths and the verbose answers name it.</param>
/// <param name="IsWell">Asked at each request.</param>
/// <param name="OfReadiness">Whether it counts for <c>/readyz</c> alone: a restart would not help.</param>
internal sealed record HealthCheck(string Name, Func<bool> IsWell, bool OfReadiness = false);
