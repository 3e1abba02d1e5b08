using System.Text.Json.Serialization.Metadata;

namespace Serval.Signals;

/// <summary>What both ends of a stream must know of its items.</summary>
/// <param name="Path">Where it is served.</param>
/// <param name="Json">How its frames look.</param>
/// <param name="Key">What an item is about: the latest of a key counts.</param>
/// <param name="IsEnd">Whether there is nothing more to say of its key.</param>
/// <param name="End">The item that ends a key.</param>
internal sealed record SignalKind<TKey, T>(string Path, JsonTypeInfo<Frame<T>> Json, Func<T, TKey> Key, Func<T, bool> IsEnd, Func<T, T> End)
    where TKey : notnull
{
    /// <summary>Whether an item can be true; one that cannot ends the connection.</summary>
    public Func<T, bool> IsValid { get; init; } = _ => true;

    /// <summary>Of an item that was not sent yet and the next of its key, what to send.</summary>
    public Func<T, T, T> Merge { get; init; } = (_, next) => next;

    /// <summary>Of an item, what is still true when it is told later.</summary>
    public Func<T, T> Later { get; init; } = item => item;
}
