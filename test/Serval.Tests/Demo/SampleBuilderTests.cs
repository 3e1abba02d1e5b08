using System.Runtime.Versioning;
using Serval.Cli;
using Serval.Demo;
using Serval.Tests.Cli;

namespace Serval.Tests.Demo;

public sealed class SampleBuilderTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task FirstVerbOfAll_LeavesTheDataDirectoryToItsOwner()
    {
        var source = Directory.CreateDirectory(_cli["sample"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(source, "hello.csproj"), "not a project");
        var context = new CliContext { In = TextReader.Null, Out = TextWriter.Null, RawOut = Stream.Null, Error = TextWriter.Null, Variable = Environment.GetEnvironmentVariable };

        await Assert.ThrowsAsync<CliException>(() => new SampleBuilder(context, source, _cli.Data).BuildAsync(CancellationToken.None));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_cli.Data));
    }
}
