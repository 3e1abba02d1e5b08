using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Serval.Kube.Tests.Spdy;

/// <summary>The client's half of SPDY/3.1, as much of it as the tests speak.</summary>
internal sealed class SpdyClient : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Stream _transport;
    private readonly MemoryStream _block = new();
    private readonly ZLibStream _deflater;
    private uint _next = 1;

    public SpdyClient(Stream transport)
    {
        _transport = transport;
        _deflater = new ZLibStream(_block, CompressionLevel.Fastest);
    }

    /// <summary>What came on each stream.</summary>
    public Dictionary<uint, string> Received { get; } = [];

    /// <summary>Streams that the server has opened, ended and reset.</summary>
    public HashSet<uint> Replied { get; } = [];

    public HashSet<uint> Ended { get; } = [];

    public HashSet<uint> Reset { get; } = [];

    public byte[]? Pong { get; private set; }

    /// <summary>Asks for another protocol. Returns the head of the answer.</summary>
    public static async Task<string> UpgradeAsync(Stream transport, string line, params string[] headers)
    {
        await transport.WriteAsync(Encoding.ASCII.GetBytes($"{line} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n"));
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await transport.ReadAsync(one).AsTask().WaitAsync(s_patience) == 1)
        {
            head.Append((char)one[0]);
        }
        return head.ToString();
    }

    public async Task<uint> OpenAsync(params (string Name, string Value)[] headers)
    {
        var id = _next;
        _next += 2;
        await SendAsync(0x80030001, 0, [.. Number(id), .. Number(0), 0, 0, .. Block(headers)]);
        return id;
    }

    public Task WriteAsync(uint stream, string text, bool last = false) => SendAsync(stream, (byte)(last ? 1 : 0), Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(uint first, byte flags, byte[] payload) =>
        await _transport.WriteAsync((byte[])[.. Number(first), .. Number(((uint)flags << 24) | (uint)payload.Length), .. payload]);

    /// <summary>Reads until it is as wanted, or the server closes.</summary>
    public async Task UntilAsync(Func<bool> wanted)
    {
        using var limit = new CancellationTokenSource(s_patience);
        while (!wanted())
        {
            var head = new byte[8];
            if (await _transport.ReadAtLeastAsync(head, 8, throwOnEndOfStream: false, limit.Token) < 8)
            {
                Assert.True(wanted(), $"the server closed; got {string.Join("; ", Received)}");
                return;
            }
            var (first, second) = (BinaryPrimitives.ReadUInt32BigEndian(head), BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(4)));
            var payload = new byte[second & 0xFFFFFF];
            await _transport.ReadExactlyAsync(payload, limit.Token);
            Take(first, (byte)(second >> 24), payload);
        }
    }

    public byte[] Block(params (string Name, string Value)[] headers)
    {
        _deflater.Write(Number((uint)headers.Length));
        foreach (var text in headers.SelectMany(h => new[] { h.Name, h.Value }))
        {
            _deflater.Write(Number((uint)text.Length));
            _deflater.Write(Encoding.UTF8.GetBytes(text));
        }
        _deflater.Flush();
        var block = _block.ToArray();
        _block.SetLength(0);
        return block;
    }

    public static byte[] Number(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        await _deflater.DisposeAsync();
        await _transport.DisposeAsync();
    }

    private void Take(uint first, byte flags, byte[] payload)
    {
        var id = first < 0x80000000 ? first : BinaryPrimitives.ReadUInt32BigEndian(payload);
        switch (first)
        {
            case 0x80030002:
                // Upstream's client drops data that comes before this.
                Replied.Add(id);
                Assert.Equal((byte[])[0, 4, 0, 0xFB, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], payload[(Replied.Count == 1 ? 6 : 4)..]);
                break;
            case 0x80030003:
                Reset.Add(id);
                break;
            case 0x80030006:
                Pong = payload;
                break;
            default:
                Assert.Contains(first, Replied);
                Received[first] = Received.GetValueOrDefault(first, "") + Encoding.UTF8.GetString(payload);
                if (flags == 1)
                {
                    Ended.Add(first);
                }
                break;
        }
    }
}
