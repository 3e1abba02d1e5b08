using System.Text;

namespace Serval.Images.Tests;

/// <summary>Archives and layers with bytes changed at random: each is taken, or refused with one message; nothing is left and nothing else comes out.</summary>
public sealed class ArchiveFuzzTests : IDisposable
{
    private const int Block = 512;
    private const int ChecksumAt = 148; // and eight bytes long: POSIX.1, ustar interchange format

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("archive")]
    [InlineData("gzip")]
    [InlineData("layer")]
    public async Task LoadAndOpen_OfMangledBytes_OnlyRefuses(string what)
    {
        var layer = new TarFile().Folder("a").File("a/b", "text").Link("l", "a/b").HardLink("h", "a/b").File("a/.wh.gone").Folder("d/e/f").Bytes();
        var other = new TarFile().File("c", new string('x', 3000)).Bytes();
        var file = _scratch["image.tar"];
        for (var seed = 0; seed < 120; seed++)
        {
            var random = new Random(seed);
            var bytes = what switch
            {
                "archive" => Mangle(TarFile.DockerArchive("fuzz:latest", layer, other), random),
                "gzip" => Mangle(TarFile.Gzip(TarFile.DockerArchive("fuzz:latest", layer, other)), random),
                _ => TarFile.DockerArchive("fuzz:latest", Mangle([.. layer], random), other), // its digests fit, so that it is unpacked
            };
            await File.WriteAllBytesAsync(file, bytes);
            await ExpectTakenOrRefusedAsync(file, seed);
        }
        var outside = Directory.EnumerateFileSystemEntries(_scratch.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["data", "image.tar"], outside);
    }

    [Fact]
    public async Task OpenRoot_NumberThatDoesNotFit_IsCorrupt()
    {
        var layer = new TarFile().Folder("a").File("b").Bytes();
        foreach (var header in Enumerable.Range(0, layer.Length / Block).Select(i => layer.AsMemory(i * Block, Block)))
        {
            if (header.Span.Slice(257, 5).SequenceEqual("ustar"u8))
            {
                header.Span.Slice(124, 12).Fill(0xff); // the size in base 256: 2^88 - 1
                header.Span[124] = 0x80;
                FixChecksum(header.Span);
            }
        }
        var file = _scratch["image.tar"];
        await File.WriteAllBytesAsync(file, TarFile.DockerArchive("evil:latest", layer));
        var store = _scratch.Store();
        await store.LoadAsync(file);

        Assert.Equal(ImageError.Corrupt, (await Assert.ThrowsAsync<ImageException>(async () => await store.OpenRootAsync("evil"))).Error);
    }

    [Fact]
    public async Task Load_MemberThatIsThereTwice_TakesTheLast()
    {
        var file = _scratch["image.tar"];
        await File.WriteAllBytesAsync(file, TarFile.DockerArchive("twice:latest", repeated: "config.json", new TarFile().File("x", "found").Bytes()));
        var store = _scratch.Store();

        var image = Assert.Single(await store.LoadAsync(file));

        Assert.Equal("found", await File.ReadAllTextAsync(Path.Combine((await store.OpenRootAsync(image.Digest)).RootDirectory, "x")));
    }

    private async Task ExpectTakenOrRefusedAsync(string file, int seed)
    {
        var store = _scratch.Store();
        try
        {
            foreach (var image in await store.LoadAsync(file))
            {
                await store.OpenRootAsync(image.Digest);
            }
        }
        catch (ImageException e)
        {
            Assert.False(e.Message.Contains('\n', StringComparison.Ordinal), $"seed {seed}: {e.Message}");
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {seed}: {e}");
        }
        if (Directory.Exists(Path.Combine(store.DirectoryPath, "tmp")))
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(store.DirectoryPath, "tmp")));
        }
    }

    // Most changes hit the beginnings of blocks, where the headers are; most headers get the checksum that fits them.
    private static byte[] Mangle(byte[] bytes, Random random)
    {
        for (var i = random.Next(4); i >= 0; i--)
        {
            var block = random.Next((bytes.Length / Block) + 1) * Block;
            var at = Math.Min(block + random.Next(random.Next(2) == 0 ? 160 : Block), bytes.Length - 1);
            bytes[at] = (byte)(random.Next(2) == 0 ? "/.0129\0 \n"[random.Next(9)] : random.Next(256));
            if (random.Next(4) != 0)
            {
                FixChecksum(bytes.AsSpan(Math.Min(block, bytes.Length)));
            }
        }
        return random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private static void FixChecksum(Span<byte> header)
    {
        if (header.Length < Block || !header.Slice(257, 5).SequenceEqual("ustar"u8))
        {
            return;
        }
        header.Slice(ChecksumAt, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var b in header[..Block])
        {
            sum += b;
        }
        Encoding.ASCII.GetBytes($"{Convert.ToString(sum, 8).PadLeft(6, '0')}\0 ", header.Slice(ChecksumAt, 8));
    }
}
