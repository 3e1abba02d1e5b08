namespace Serval.ApiServer.Store;

/// <summary>The store cannot be opened or go on: what happened, to which directory, and what to do.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    internal static StoreException Damaged(string where, string resource, string name, Exception? inner = null) =>
        new($"the database in {where} is damaged: {resource} {name} is not readable: restore a backup, or delete that row of the table objects", inner);
}
