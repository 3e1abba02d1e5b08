namespace Serval.Routing;

/// <summary>From one table to the next.</summary>
/// <param name="Before">Hosts as they were that have other rules now, or none.</param>
/// <param name="After">Hosts that have other rules than before, or had none.</param>
/// <param name="Policies">Backends whose policy may have changed, come or gone.</param>
public sealed record TableChange(IReadOnlyList<HostRoutes> Before, IReadOnlyList<HostRoutes> After, IReadOnlyList<BackendKey> Policies);
