using Serval.Api.Core;
using Serval.Images;
using Serval.Node.Containers;

namespace Serval.Node.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("serval-image-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Resolve_NoCommand_TakesEntrypointAndCmdOfTheImage()
    {
        Program("app/server");
        var command = Resolve(new Container(), new ImageConfig { Entrypoint = ["/app/server"], Cmd = ["--x"], WorkingDir = "/app", Env = ["A=1"] });

        Assert.Equal(_root + "/app/server", command.Program);
        Assert.Equal(["/app/server", "--x"], command.Arguments);
        Assert.Equal(_root + "/app", command.WorkingDirectory);
        Assert.Equal("1", command.Environment["A"]);
        Assert.Equal("p1", command.Environment["HOSTNAME"]);
        Assert.True(command.NeedsRoot);
    }

    [Fact]
    public void Resolve_CommandAndArgs_ReplaceTheImagesAsKubernetesDoes()
    {
        Program("app/server");
        Program("usr/bin/tool");
        var config = new ImageConfig { Entrypoint = ["/app/server"], Cmd = ["--x"] };

        Assert.Equal(["/app/server", "--port=7"], Resolve(new Container { Args = ["--port=$(N)"] }, config).Arguments);
        Assert.Equal(["tool"], Resolve(new Container { Command = ["tool"] }, config).Arguments);
        Assert.Equal(_root + "/usr/bin/tool", Resolve(new Container { Command = ["tool"] }, config).Program);
    }

    [Fact]
    public void Resolve_NotInTheImage_FallsBackToTheMachine()
    {
        Assert.Equal("/bin/sh", Resolve(new Container { Command = ["/bin/sh"] }, new ImageConfig()).Program);
        Assert.EndsWith("/sh", Resolve(new Container { Command = ["sh"] }, new ImageConfig()).Program, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_AbsoluteLinkInTheImage_StaysInTheImage()
    {
        Program("bin/busybox");
        File.CreateSymbolicLink(_root + "/bin/tool", "/bin/busybox");

        var command = Resolve(new Container { Command = ["/bin/tool"] }, new ImageConfig());

        Assert.Equal(_root + "/bin/busybox", command.Program);
        Assert.Equal("/bin/tool", command.Arguments[0]);
    }

    [Fact]
    public void Resolve_InterpreterInTheImage_NeedsTheImageAsRoot()
    {
        Program("bin/sh");
        Program("app/run", "#!/bin/sh\n");
        Assert.True(Resolve(new Container { Command = ["/app/run"] }, new ImageConfig()).NeedsRoot);
        File.Delete(_root + "/bin/sh");
        Assert.False(Resolve(new Container { Command = ["/app/run"] }, new ImageConfig()).NeedsRoot);
    }

    [Theory]
    [InlineData("/a/b", "/a/b")]
    [InlineData("../../etc", "/etc")]
    [InlineData("/link/x", "/real/x")]
    [InlineData("/up", "/etc")]
    [InlineData("/", "")]
    public void RootPath_NeverLeavesItsRoot(string path, string expected)
    {
        Directory.CreateDirectory(_root + "/real");
        File.CreateSymbolicLink(_root + "/link", "real");
        File.CreateSymbolicLink(_root + "/up", "../../etc");
        Assert.Equal(_root + expected, RootPath.Resolve(_root, path));
    }

    [Fact]
    public void Elf_NamesItsLoader()
    {
        File.WriteAllBytes(_root + "/elf", Elf(64, 120, "/lib/ld.so"));
        Assert.Equal("/lib/ld.so", ElfFile.Interpreter(_root + "/elf"));
    }

    [Theory]
    [InlineData(ulong.MaxValue, 120)]
    [InlineData(ulong.MaxValue - 55, 120)] // its end wraps around to 0
    [InlineData(1L << 32, 120)]
    [InlineData(64, ulong.MaxValue)]
    [InlineData(64, ulong.MaxValue - 10)]
    [InlineData(64, 1L << 32)]
    public void Elf_OffsetsOutOfAllBounds_NameNothing(ulong headers, ulong loader)
    {
        File.WriteAllBytes(_root + "/elf", Elf(headers, loader, "/lib/ld.so"));
        Assert.Null(ElfFile.Interpreter(_root + "/elf"));
    }

    // The head of a 64-bit little-endian file with one program header, which names the loader.
    private static byte[] Elf(ulong headers, ulong loader, string name)
    {
        var file = new byte[200];
        byte[] magic = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1];
        magic.CopyTo(file, 0);
        BitConverter.TryWriteBytes(file.AsSpan(32), headers);
        BitConverter.TryWriteBytes(file.AsSpan(56), (ushort)1);
        BitConverter.TryWriteBytes(file.AsSpan(64), 3); // PT_INTERP
        BitConverter.TryWriteBytes(file.AsSpan(72), loader);
        BitConverter.TryWriteBytes(file.AsSpan(96), (ulong)name.Length + 1);
        System.Text.Encoding.ASCII.GetBytes(name).CopyTo(file, 120);
        return file;
    }

    private ContainerCommand Resolve(Container container, ImageConfig config) => ContainerCommand.Resolve(
        container, new ImageRoot("sha256:1", _root, config), new Dictionary<string, string> { ["N"] = "7" }, "p1",
        name => name == "PATH" ? "/usr/bin:/bin" : null);

    private void Program(string path, string text = "")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, path))!);
        File.WriteAllText(Path.Combine(_root, path), text);
        File.SetUnixFileMode(Path.Combine(_root, path), UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }
}
