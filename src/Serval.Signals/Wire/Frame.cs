namespace Serval.Signals;

/// <summary>A line of a stream of signals.</summary>
/// <param name="Number">How many changes the sender has told with it; grows over the sender's restarts.</param>
/// <param name="Full">It begins a list of all there is: what the list does not name is gone.</param>
/// <param name="Synced">It ends that list.</param>
/// <param name="Items">What is, or has changed.</param>
internal sealed record Frame<T>(long Number, bool Full, bool Synced, IReadOnlyList<T> Items);
