namespace Serval.ApiServer.Store;

/// <summary>The store cannot be opened or go on: what happened, to which directory, and what to do.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);
