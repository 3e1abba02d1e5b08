using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Serval.Proxy;

/// <summary>A "listener" whose connections were accepted elsewhere.</summary>
internal sealed class HandoffListener(EndPoint endpoint) : IConnectionListener, IConnectionListenerFactory
{
    private readonly Channel<ConnectionContext> _handed = Channel.CreateUnbounded<ConnectionContext>();

    public EndPoint EndPoint => endpoint;

    public bool TryHandOver(ConnectionContext connection) => _handed.Writer.TryWrite(connection);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _handed.Reader.WaitToReadAsync(cancellationToken) && _handed.Reader.TryRead(out var connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _handed.Writer.TryComplete();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
