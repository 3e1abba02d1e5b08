
namespace Serval.Kube.Streams;

/// <summary>Someone far away who talks with a program.</summary>
internal interface IRemoteClient : IAsyncDisposable
{
    RemoteStreams Streams { get; }

    /// <summary>Cancelled when it has left, or is not waited for any longer.</summary>
    CancellationToken Gone { get; }

    /// <summary>Tells how it ended, and ends the talk.</summary>
    Task EndAsync(RemoteStatus status);
}
