namespace Serval.ApiServer.Store;

/// <summary>Where a watch begins: after a version, with the present objects, or with what comes next.</summary>
internal readonly record struct WatchStart(long? After, bool WithPresent)
{
    public static readonly WatchStart Present = new(null, WithPresent: true);

    public static readonly WatchStart Now = new(null, WithPresent: false);

    public static WatchStart Behind(long version) => new(version, WithPresent: false);
}
