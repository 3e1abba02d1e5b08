namespace Serval.Proxy;

/// <summary>
/// Follows one direction of a WebSocket by the headers of its frames (RFC 6455, section 5.2): what may be said next, and what was said. Payloads
/// pass unread, and what extensions make of them does not matter here.
/// </summary>
internal sealed class WebSocketFrames
{
    private const int Close = 8;
    private const int Pong = 10;
    private int _opcode;
    private int _headerRead;
    private int _headerLength;
    private int _lengthEnd; // where the length ends in the header, and a client's mask begins
    private ulong _length;
    private ulong _payloadLeft;

    /// <summary>Between two frames: a control frame may stand here, also in the middle of a message.</summary>
    public bool AtBoundary => _headerRead == 0 && _payloadLeft == 0;

    /// <summary>A close frame has begun: nothing may follow it.</summary>
    public bool Closing { get; private set; }

    /// <summary>Whether any of the bytes belongs to something that wants an answer: all but a pong does.</summary>
    public bool Follow(ReadOnlySpan<byte> bytes)
    {
        var asks = false;
        while (!bytes.IsEmpty)
        {
            var count = (int)Math.Min(_payloadLeft, (ulong)bytes.Length);
            if (count > 0)
            {
                _payloadLeft -= (ulong)count;
            }
            else
            {
                count = 1;
                TakeHeader(bytes[0]);
            }
            asks |= _opcode != Pong;
            bytes = bytes[count..];
        }
        return asks;
    }

    private void TakeHeader(byte next)
    {
        switch (_headerRead++)
        {
            case 0:
                _opcode = next & 0xF;
                return;
            case 1:
                var (masked, length) = (next >= 0x80, next & 0x7F);
                _lengthEnd = 2 + (length switch { 126 => 2, 127 => 8, _ => 0 });
                _headerLength = _lengthEnd + (masked ? 4 : 0);
                _length = length < 126 ? (ulong)length : 0;
                break;
            default:
                _length = _headerRead <= _lengthEnd ? (_length << 8) | next : _length;
                break;
        }
        if (_headerRead == _headerLength)
        {
            Closing |= _opcode == Close;
            (_headerRead, _payloadLeft) = (0, _length);
        }
    }
}
