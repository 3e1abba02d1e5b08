using Serval.Cli;
using Serval.Composition;

namespace Serval.Tests.Cli;

public sealed class ConsoleContextTests
{
    private const string Inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Whatever options stand before the verb.</summary>
    [Fact]
    public async Task StartHost_CompletesSocketsInline()
    {
        var notADirectory = Path.GetTempFileName();
        var before = Environment.GetEnvironmentVariable(Inline);
        try
        {
            Environment.SetEnvironmentVariable(Inline, null);
            var context = CliContext.FromConsole(new ForcedEnd());
            await Assert.ThrowsAnyAsync<Exception>(() => context.StartHost!(new ServalOptions { DataDirectory = notADirectory }, CancellationToken.None));
            Assert.Equal("1", Environment.GetEnvironmentVariable(Inline));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Inline, before);
            File.Delete(notADirectory);
        }
    }
}
