namespace Serval.Proxy;

/// <summary>What a wait for an instance came to: an instance with a slot taken, or why there is none.</summary>
internal readonly record struct Admission(Instance? Instance, RequestOutcome Refusal);

/// <summary>A held request. Settled exactly once, under its gate's lock; continuations run on the pool, never on the settling thread.</summary>
internal sealed class Waiter
{
    private readonly TaskCompletionSource<Admission> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Waiter() => Node = new LinkedListNode<Waiter>(this);

    public LinkedListNode<Waiter> Node { get; }

    public Task<Admission> Settled => _settled.Task;

    public void Settle(Admission admission) => _settled.SetResult(admission);
}
