using System.Buffers.Binary;
using System.Text;

namespace Serval.Proxy.Tests.Http2;

/// <summary>Requests that a client library would not send, frame by frame (RFC 9113, RFC 7541).</summary>
public sealed class Http2StrictnessTests : ProxyTest
{
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte GoAway = 7;
    private const byte Status400 = 0x8c; // of the static table

    public static TheoryData<string, string> Bad => new()
    {
        { ":path", "/a b" },
        { ":path", "/ HTTP/1.1" },
        { ":path", "/\t" },
        { ":path", "/\u007f" },
        { ":path", "/ HTTP/1.1\r\nHost: h\r\n\r\nGET /smuggled" },
        { ":method", "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET" },
        { ":method", "G T" },
        { ":authority", "h\r\nX: y" },
        { ":authority", "h/x" },
        { "x", "a\r\nGET /smuggled HTTP/1.1" },
        { "x", "a\0b" },
        { "X", "upper case" },
        { "connection", "close" },
        { "content-length", "1" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task BadRequest_IsRefused_AndNothingReachesTheInstance(string name, string value)
    {
        var reached = 0;
        Serve(_ =>
        {
            Interlocked.Increment(ref reached);
            return Upstream.Ok("reached");
        });
        var fields = new Dictionary<string, string> { [":method"] = "POST", [":scheme"] = "http", [":authority"] = "h", [":path"] = "/" };
        fields[name] = value;

        var (type, payload) = await AskAsync(fields, "more than one byte");

        Assert.True(type is Reset or GoAway || (type == Headers && payload.Contains(Status400)), $"frame {type}");
        Assert.Equal(0, reached);
    }

    [Fact]
    public async Task TransferEncoding_IsNotPassedOn()
    {
        var seen = new TaskCompletionSource<Message>();
        Serve(m =>
        {
            seen.TrySetResult(m);
            return Upstream.Ok("ok");
        });
        const string Smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

        await AskAsync(
            new() { [":method"] = "POST", [":scheme"] = "http", [":authority"] = "h", [":path"] = "/", ["transfer-encoding"] = "chunked" }, Smuggled);

        Assert.Equal(Smuggled, (await seen.Task).Body); // framed by the proxy: it is all body
    }

    // One request; the first frame that answers it.
    private async Task<(byte Type, byte[] Payload)> AskAsync(Dictionary<string, string> fields, string body)
    {
        var client = await ClientAsync();
        var block = fields.SelectMany(f => (byte[])[0, .. Text(f.Key), .. Text(f.Value)]).ToArray();
        await client.Socket.SendAsync(
            (byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(4, 0, 0, []), .. Frame(Headers, 4, 1, block), .. Frame(Data, 1, 1, Encoding.Latin1.GetBytes(body))]);
        while (true)
        {
            var head = await ReceiveAsync(client, 9);
            var payload = await ReceiveAsync(client, (head[0] << 16) | (head[1] << 8) | head[2]);
            if (head[3] is Headers or Reset or GoAway)
            {
                return (head[3], payload);
            }
        }
    }

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.Latin1.GetBytes(text)]; // shorter than 127: one byte of length

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static async Task<byte[]> ReceiveAsync(Wire client, int count)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var read = await client.Socket.ReceiveAsync(bytes.AsMemory(at));
            Assert.NotEqual(0, read);
            at += read;
        }
        return bytes;
    }
}
