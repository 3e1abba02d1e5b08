using Serval.Node.Names;

namespace Serval.Node.Tests.Names;

public sealed class DnsQueryTests
{
    private static readonly byte[] s_question = [.. DnsWire.Name("a.b"), 0, 1, 0, 1];

    public static TheoryData<string, byte[]> Bad
    {
        get
        {
            var question = s_question;
            var label = Enumerable.Repeat((byte)'a', 63).Prepend((byte)63).ToArray();
            return new()
            {
                { "no question", DnsWire.Header(1, 0, 0, 0, 0, 0) },
                { "two questions", [.. DnsWire.Header(1, 0, 2, 0, 0, 0), .. question, .. question] },
                { "an answer", [.. DnsWire.Header(1, 0, 1, 1, 0, 0), .. question] },
                { "an authority", [.. DnsWire.Header(1, 0, 1, 0, 1, 0), .. question] },
                { "a name without an end", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), 1, (byte)'a'] },
                { "a label beyond the packet", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), 40, (byte)'a', 0, 0, 1, 0, 1] },
                { "a pointer to itself", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), 0xc0, 12, 0, 1, 0, 1] },
                { "a pointer into the header", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), 1, (byte)'a', 0xc0, 0, 0, 1, 0, 1] },
                { "an extended label", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), 0x41, (byte)'a', 0, 0, 1, 0, 1] },
                { "a name of 256 bytes", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), .. label, .. label, .. label, .. label[..62].Select((b, i) => i == 0 ? (byte)61 : b), 1, (byte)'a', 0, 0, 1, 0, 1] },
                { "no type", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), .. DnsWire.Name("a"), 0, 1, 0] },
                { "more than it says", [.. DnsWire.Header(1, 0, 1, 0, 0, 0), .. question, 0] },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Malformed_IsSaidSo(string what, byte[] packet)
    {
        Assert.True(DnsQuery.Read(packet, out var query) == DnsReading.Malformed, what);
        Assert.Null(query);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(11)]
    public void ShorterThanAHeader_IsIgnored(int length) => Assert.Equal(DnsReading.Ignored, DnsQuery.Read(new byte[length], out _));

    /// <summary>Two servers must not keep answering each other.</summary>
    [Fact]
    public void Answer_IsIgnored() =>
        Assert.Equal(DnsReading.Ignored, DnsQuery.Read([.. DnsWire.Header(1, 0x8000, 1, 0, 0, 0), .. s_question], out _));

    [Fact]
    public void OtherOperations_AreNotImplemented() =>
        Assert.Equal(DnsReading.NotImplemented, DnsQuery.Read([.. DnsWire.Header(1, 0x2800, 1, 0, 0, 0), .. s_question], out _));

    [Fact]
    public void LongestName_IsRead()
    {
        var name = string.Join('.', new string('a', 63), new string('b', 63), new string('c', 63), new string('d', 61));
        Assert.Equal(DnsReading.Question, DnsQuery.Read(DnsWire.Ask(name), out var query));
        Assert.Equal(name, query!.Name);
        Assert.Equal(255 + 4, query.Question.Length);
    }

    [Fact]
    public void Name_IsLowerCase_AndWhatFollowsTheQuestionIsNotPassedOn()
    {
        byte[] packet = [.. DnsWire.Header(7, 0x0100, 1, 0, 0, 1), .. DnsWire.Name("Hello.DEFAULT"), 0, 28, 0, 1, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(DnsReading.Question, DnsQuery.Read(packet, out var query));
        Assert.Equal(("hello.default", DnsQuery.TypeAaaa, true), (query!.Name, query.Type, query.WantsRecursion));
        Assert.Equal([.. DnsWire.Header(9, 0x0100, 1, 0, 0, 0), .. DnsWire.Name("Hello.DEFAULT"), 0, 28, 0, 1], query.ToPacket(9));
    }

    /// <summary>A byte that looks like a dot makes no other name of it.</summary>
    [Fact]
    public void LabelWithADot_IsNoHostName()
    {
        Assert.Equal(DnsReading.Question, DnsQuery.Read([.. DnsWire.Header(1, 0, 1, 0, 0, 0), 3, (byte)'a', (byte)'.', (byte)'b', 0, 0, 1, 0, 1], out var query));
        Assert.Null(query!.Name);
    }

    /// <summary>Nothing that comes in makes the reader fail or look beyond the packet: every prefix, every byte changed, and noise.</summary>
    [Fact]
    public void AnyBytes_AreRead()
    {
        var good = DnsWire.Ask("hello.default.svc.cluster.local");
        for (var i = 0; i < good.Length; i++)
        {
            Assert.NotEqual(DnsReading.Question, DnsQuery.Read(good.AsSpan(0, i), out _));
            for (var value = 0; value < 256; value++)
            {
                var changed = (byte[])good.Clone();
                changed[i] = (byte)value;
                _ = DnsQuery.Read(changed, out _);
            }
        }
        const int seed = 20;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var noise = new byte[random.Next(100)];
            random.NextBytes(noise);
            _ = DnsQuery.Read(noise, out _);
            if (noise.Length >= DnsQuery.HeaderSize)
            {
                _ = DnsReply.ReadAddresses(noise, random.Next(noise.Length), DnsQuery.TypeA);
            }
        }
    }
}
