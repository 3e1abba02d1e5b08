using System.Runtime.ExceptionServices;

namespace Serval.Composition;

/// <summary>What was started, in order; stopped the other way round. A part that fails to stop does not keep the others from it.</summary>
internal sealed class StartedParts : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _parts = [];

    public T Add<T>(T part)
        where T : IAsyncDisposable
    {
        _parts.Add(part);
        return part;
    }

    /// <summary>The same for what ends at once.</summary>
    public T Own<T>(T part)
        where T : IDisposable
    {
        _parts.Add(new Ended(part));
        return part;
    }

    /// <exception cref="AggregateException">Several parts failed; of one the exception itself.</exception>
    public async ValueTask DisposeAsync()
    {
        var failures = new List<Exception>();
        for (var i = _parts.Count - 1; i >= 0; i--)
        {
            try
            {
                await _parts[i].DisposeAsync();
            }
#pragma warning disable CA1031 // programs must end and the store must close, whatever else fails; rethrown below
            catch (Exception e)
#pragma warning restore CA1031
            {
                failures.Add(e);
            }
        }
        _parts.Clear();
        if (failures is [var only])
        {
            ExceptionDispatchInfo.Throw(only);
        }
        if (failures.Count > 0)
        {
            throw new AggregateException("Several parts failed to stop.", failures);
        }
    }

    private sealed class Ended(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
