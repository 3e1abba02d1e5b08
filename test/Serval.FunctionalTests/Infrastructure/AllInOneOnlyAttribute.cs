using Xunit.Abstractions;
using Xunit.Sdk;

namespace Serval.FunctionalTests;

/// <summary>
/// A test of what <c>serval up</c> alone has. With a process for each role it is left out: <c>--filter Composition!=AllInOne</c>, as <c>./eng/check test --split</c> does.
/// </summary>
/// <param name="why">What the roles have not, or have otherwise.</param>
[TraitDiscoverer("Serval.FunctionalTests.AllInOneOnlyDiscoverer", "Serval.FunctionalTests")]
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class AllInOneOnlyAttribute(string why) : Attribute, ITraitAttribute
{
    public string Why { get; } = why;
}

/// <summary>Gives the trait.</summary>
public sealed class AllInOneOnlyDiscoverer : ITraitDiscoverer
{
    public IEnumerable<KeyValuePair<string, string>> GetTraits(IAttributeInfo traitAttribute) => [new("Composition", "AllInOne")];
}
