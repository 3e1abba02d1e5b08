namespace Serval.ApiServer.Store;

/// <summary>Something the writer thread does for a caller, in order of arrival.</summary>
internal abstract class StoreOperation
{
    /// <summary>Whether the caller waits until the disk has it.</summary>
    public bool Synced { get; init; }

    /// <summary>Tells the caller, after commit and publication. Continuations run elsewhere.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception cause);
}

/// <summary>A read or a chore that needs the writer's connection.</summary>
internal sealed class StoreChore<T>(Func<SqliteDatabase, T> work) : StoreOperation, IStoreChore
{
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;

    public Task<T> Task => _completion.Task;

    public void Run(SqliteDatabase database) => _result = work(database);

    public override void Complete() => _completion.TrySetResult(_result!);

    public override void Fail(Exception cause) => _completion.TrySetException(cause);
}

/// <summary>The part of a chore that does not depend on its result.</summary>
internal interface IStoreChore
{
    void Run(SqliteDatabase database);
}
