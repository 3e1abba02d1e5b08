using System.Buffers.Binary;

namespace Serval.Proxy.Tests.Http1;

/// <summary>Frames as RFC 6455, section 5.2, lays them out.</summary>
public sealed class WebSocketFramesTests
{
    private const int Text = 1;
    private const int Close = 8;
    private const int Pong = 10;

    [Fact]
    public void AnyFrames_InAnyPieces_TheBoundariesAreTheirEnds()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var frames = new WebSocketFrames();
            for (var i = 0; i < 20; i++)
            {
                var frame = Frame(random.Next(3), random.Next(2) == 0, random.Next(5) switch { 0 => 0, 1 => 125, 2 => 126, 3 => 0x1_0000, _ => random.Next(0x1_0100) });
                for (var sent = 0; sent < frame.Length;)
                {
                    var piece = Math.Min(frame.Length - sent, random.Next(3) == 0 ? 1 : random.Next(1, 5000));
                    Assert.True(frames.Follow(frame.AsSpan(sent, piece)));
                    sent += piece;
                    Assert.True(frames.AtBoundary == (sent == frame.Length), $"seed {seed}, frame {i}, {sent} of {frame.Length} bytes");
                }
                Assert.False(frames.Closing);
            }
        }
    }

    [Fact]
    public void Close_IsNoticed()
    {
        var frames = new WebSocketFrames();
        frames.Follow(Frame(Close, masked: false, 2));
        Assert.True(frames.Closing);
    }

    [Fact]
    public void Pong_AsksNothing_WhateverComesWithItDoes()
    {
        var frames = new WebSocketFrames();
        Assert.False(frames.Follow(Frame(Pong, masked: true, 5)));
        Assert.True(frames.Follow([.. Frame(Pong, masked: true, 5), .. Frame(Text, masked: true, 0)]));
        Assert.False(frames.Follow(Frame(Pong, masked: true, 0)));
    }

    private static byte[] Frame(int opcode, bool masked, int length)
    {
        var extended = length switch { < 126 => 0, <= ushort.MaxValue => 2, _ => 8 };
        var frame = new byte[2 + extended + (masked ? 4 : 0) + length];
        frame.AsSpan(2 + extended).Fill(0x88); // as if closes began everywhere
        frame[0] = (byte)(0x80 | opcode);
        frame[1] = (byte)((masked ? 0x80 : 0) | (extended switch { 0 => length, 2 => 126, _ => 127 }));
        if (extended == 2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)length);
        }
        else if (extended == 8)
        {
            BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(2), length);
        }
        return frame;
    }
}
