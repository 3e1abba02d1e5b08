using System.Diagnostics;

namespace Serval.FunctionalTests;

/// <summary>The scripts of <c>serval completion</c> in the shells they are for (bash: <see cref="ServiceCommandTests"/>). Without a server.</summary>
public sealed class CompletionTests : IDisposable
{
    // A shell on a terminal of its own, to which is typed; it ends when all of $2 has been shown.
    private const string TypedToZsh = """
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS1='> '; autoload -Uz compinit; compinit -u -D; source $1/script; cd $1; echo re''ady"
        zpty -r shell shown '*ready*'
        zpty -w -n shell "$2"$'\t\t'
        zpty -r shell shown "*$3*"
        print -r -- $shown
        zpty -d shell
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("serval-completion-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("serval service d", "delete\ndescribe\n")]
    [InlineData("serval service describe x -o ", "json\nname\nurl\nyaml\n")]
    [InlineData("serval service update x --scale-m", "--scale-max\n--scale-metric\n--scale-min\n")]
    [InlineData("serval apply -f a-f", "a-file\n")] // what it does not know may be a file
    public async Task Fish_OffersWhatServalKnows_ElseFiles(string line, string offered)
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "a-file"), "");
        Assert.Equal(offered, await InShellAsync("fish", "--no-config", "-c", "cd $argv[1]; source script; complete -C $argv[2]", _directory, line));
    }

    [Theory]
    [InlineData("serval service d", "delete*describe")]
    [InlineData("serval service update x --scale-m", "--scale-max*--scale-metric*--scale-min")]
    [InlineData("serval apply -f a-f", "a-file")]
    public async Task Zsh_OffersWhatServalKnows_ElseFiles(string line, string offered)
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "a-file"), "");
        var shown = await InShellAsync("zsh", "-f", "-c", TypedToZsh, "zsh", _directory, line, offered);
        Assert.All(offered.Split('*'), o => Assert.Contains(o, shown, StringComparison.Ordinal));
        Assert.DoesNotContain("import", shown, StringComparison.Ordinal);
    }

    private async Task<string> InShellAsync(string shell, params string[] arguments)
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "script"), await RunAsync(ServalProcess.Binary, "completion", shell));
        return await RunAsync(shell, arguments);
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{Path.GetDirectoryName(ServalProcess.Binary)}:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return output;
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
