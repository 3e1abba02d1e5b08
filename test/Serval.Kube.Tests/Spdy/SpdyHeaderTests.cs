using Serval.Kube.Spdy;

namespace Serval.Kube.Tests.Spdy;

public sealed class SpdyHeaderTests
{
    // Two blocks of one stream, by zlib with the preset dictionary.
    private const string First = "78f9e3c6a7c202253a703a2b294a4dcc851625aca9a0808614cb45e01c6061606100a4398b20d198094ade8c0600000000ffff";
    private const string Second = "c2aa19540e2512d60b000000ffff";

    [Fact]
    public void Dictionary_IsThatOfTheDraft()
    {
        var (a, b) = (1u, 0u); // Adler-32, as RFC 1950 names a dictionary
        foreach (var value in SpdyDictionary.Bytes)
        {
            a = (a + value) % 65521;
            b = (b + a) % 65521;
        }
        Assert.Equal((1423, 0xe3c6a7c2u), (SpdyDictionary.Bytes.Length, (b << 16) | a));
    }

    [Fact]
    public void Blocks_OfOneStream_BuildOnEachOther()
    {
        using var reader = new SpdyHeaderReader();
        Assert.Equal("error 8080 0", Told(reader.Read(Convert.FromHexString(First))));
        Assert.Equal("data 8080 0", Told(reader.Read(Convert.FromHexString(Second))));

        static string Told(Dictionary<string, string> headers) => $"{headers["streamtype"]} {headers["port"]} {headers["requestid"]}";
    }

    [Theory]
    [InlineData("")]
    [InlineData("78f9e3c6a7")]
    [InlineData("78f9e3c6a7c2")]
    [InlineData("1f8b0800000000")]
    [InlineData("78f9e3c6a7c207ffffffff")]
    public void Block_ThatIsNone_IsRefused(string block)
    {
        using var reader = new SpdyHeaderReader();
        Assert.Throws<SpdyException>(() => reader.Read(Convert.FromHexString(block)));
    }

    [Theory]
    [InlineData(70_000)]
    [InlineData(50_000_000)]
    public async Task Bomb_IsNotInflated(int size)
    {
        await using var client = new SpdyClient(Stream.Null);
        var bomb = client.Block(("a", new string('a', size)));
        using var reader = new SpdyHeaderReader();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<SpdyException>(() => reader.Read(bomb));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
    }

    [Fact]
    public void Garbage_IsRefusedAndNothingElse()
    {
        var random = new Random(20261121);
        var whole = Convert.FromHexString(First);
        for (var i = 0; i < 5_000; i++)
        {
            var block = whole.ToArray();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                block[random.Next(block.Length)] = (byte)random.Next(256);
            }
            using var reader = new SpdyHeaderReader();
            try
            {
                _ = reader.Read(block.AsMemory(0, random.Next(block.Length + 1)));
            }
            catch (SpdyException)
            {
                // As it should be; anything else fails the test.
            }
        }
    }
}
