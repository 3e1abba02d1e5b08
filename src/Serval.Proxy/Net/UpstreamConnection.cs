namespace Serval.Proxy;

/// <summary>
/// A connection to an instance. A receive is always begun before it goes to the pool, so an instance that closes it is noticed at once and a
/// closed connection is not handed out.
/// </summary>
internal sealed class UpstreamConnection : ITransportWatcher
{
    private const int BufferSize = 8 * 1024;
    private readonly UpstreamPool _pool;
    private int _inPool;
    private int _unanswered = 1;

    public UpstreamConnection(Transport transport, UpstreamPool pool)
    {
        Transport = transport;
        _pool = pool;
        transport.Watcher = this;
    }

    public Transport Transport { get; }

    public InputBuffer Input { get; } = new(BufferSize);

    /// <summary>Answered a request before: an end now may be an old connection's, not the request's fault.</summary>
    public bool Reused { get; private set; }

    public long IdleSince { get; private set; }

    public bool IsUsable => !Transport.ReceiveDone;

    /// <summary>The first byte came: the instance has accepted it, the next may knock.</summary>
    public void NoteAnswer()
    {
        if (Volatile.Read(ref _unanswered) != 0 && Interlocked.Exchange(ref _unanswered, 0) != 0)
        {
            _pool.Answered();
        }
    }

    /// <summary>Puts a clean connection back.</summary>
    public void Return(long now)
    {
        if (Input.Count > 0)
        {
            Discard(); // more than was asked for
            return;
        }
        Reused = true;
        IdleSince = now;
        if (!Transport.ReceiveBegun)
        {
            Input.Shrink();
            Input.MakeRoom(BufferSize);
            Transport.BeginReceive(Input.Bytes, Input.End, Input.Free);
        }
        Volatile.Write(ref _inPool, 1);
        if (!IsUsable || !_pool.TryAdd(this))
        {
            Discard();
        }
    }

    /// <summary>Marks it as in use again.</summary>
    public void Take() => Volatile.Write(ref _inPool, 0);

    /// <summary>Closes it for good. The buffer goes back only when no receive can write into it any more.</summary>
    public void Discard()
    {
        Volatile.Write(ref _inPool, 0);
        NoteAnswer();
        Transport.Close();
        if (!Transport.ReceiveBegun || Transport.ReceiveDone)
        {
            Input.Return();
        }
    }

    public void OnPeerGone()
    {
        NoteAnswer();
        if (Volatile.Read(ref _inPool) == 1)
        {
            _pool.Forget(this);
        }
    }
}
