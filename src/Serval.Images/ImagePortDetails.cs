namespace Serval.Images;

/// <summary>The value of an <see cref="ImageConfig.ExposedPorts"/> entry, empty by definition of the format.</summary>
public sealed record ImagePortDetails;
