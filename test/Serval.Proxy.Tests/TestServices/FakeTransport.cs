using System.Net;
using System.Text;

namespace Serval.Proxy.Tests;

/// <summary>A connection whose other end is the test: it says when bytes come, and when a send ends and how.</summary>
internal sealed class FakeTransport : Transport
{
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _incoming = [];
    private readonly StringBuilder _sent = new();
    private readonly TaskCompletionSource _sending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource<int>? _receive;
    private byte[] _buffer = [];
    private int _offset;
    private int _count;

    /// <summary>Sends fail.</summary>
    public bool Broken { get; set; }

    /// <summary>The peer does not read: sends do not end until the connection is closed.</summary>
    public bool Stalled { get; set; }

    /// <summary>A send has begun.</summary>
    public Task Sending => _sending.Task;

    public Task Closed => _closed.Task;

    public bool IsReset { get; private set; }

    public string Sent
    {
        get
        {
            lock (_lock)
            {
                return _sent.ToString();
            }
        }
    }

    public override IPAddress RemoteAddress => IPAddress.Loopback;

    public override int RemotePort => 1;

    public override IPAddress LocalAddress => IPAddress.Loopback;

    public override bool ReceiveBegun => _receive is not null;

    public override bool ReceiveDone => _receive is { Task.IsCompleted: true };

    /// <summary>Bytes arrive.</summary>
    public void Deliver(string text)
    {
        lock (_lock)
        {
            _incoming.Enqueue(Encoding.Latin1.GetBytes(text));
            Pump();
        }
    }

    public override void BeginReceive(byte[] buffer, int offset, int count)
    {
        lock (_lock)
        {
            (_buffer, _offset, _count) = (buffer, offset, count);
            _receive = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            Pump();
        }
    }

    public override async ValueTask<int> EndReceiveAsync()
    {
        var read = await _receive!.Task;
        _receive = null;
        return read;
    }

    public override ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        _sending.TrySetResult();
        if (Stalled)
        {
            return new ValueTask<bool>(_stalled.Task);
        }
        lock (_lock)
        {
            _sent.Append(Encoding.Latin1.GetString(bytes.Span));
        }
        return ValueTask.FromResult(!Broken && !_closed.Task.IsCompleted);
    }

    public override void ShutdownSend()
    {
    }

    public override void Close(bool reset = false)
    {
        bool lost;
        lock (_lock)
        {
            IsReset |= reset;
            _closed.TrySetResult();
            lost = _receive?.TrySetResult(Failed) == true;
        }
        _stalled.TrySetResult(false);
        if (lost)
        {
            Watcher?.OnPeerGone();
        }
    }

    public override bool PollPeerGone() => false;

    private void Pump()
    {
        if (_receive is { Task.IsCompleted: false } receive && _closed.Task.IsCompleted)
        {
            receive.SetResult(Failed);
        }
        else if (_receive is { Task.IsCompleted: false } waiting && _incoming.TryPeek(out var bytes))
        {
            var count = Math.Min(bytes.Length, _count);
            bytes.AsSpan(0, count).CopyTo(_buffer.AsSpan(_offset));
            _incoming.Dequeue();
            if (count < bytes.Length)
            {
                throw new InvalidOperationException("The test sends more at once than the receiver has room for.");
            }
            waiting.SetResult(count);
        }
    }
}
