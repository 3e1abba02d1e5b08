using System.Diagnostics;

namespace Serval.Images.Tests;

public sealed class TwoProcessTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Add_FromTwoProcessesAtOnce_KeepsEveryImageWhole()
    {
        const int Count = 12;
        var shared = _scratch.App();
        var own = _scratch.App("other", "second");
        using var child = Start(shared, "child", Count);
        using var other = Start(own, "other", Count);
        var store = _scratch.Store();
        for (var i = 0; i < Count; i++)
        {
            await store.AddDirectoryAsync($"parent:v{i}", shared, new ImageConfig { Entrypoint = ["/run"] });
        }
        await child.WaitForExitAsync();
        await other.WaitForExitAsync();

        Assert.Equal((0, 0), (child.ExitCode, other.ExitCode));
        var names = store.List().Select(i => i.Reference).ToArray();
        Assert.Equal(Count + (2 * (Count - (Count / 3))), names.Length);
        foreach (var name in names)
        {
            var root = await store.OpenRootAsync(name);
            var expected = name.StartsWith("other", StringComparison.Ordinal) ? "other" : "#!/bin/sh\necho hello\n";
            Assert.Equal(expected, await File.ReadAllTextAsync(Path.Combine(root.RootDirectory, "run")));
        }
    }

    private Process Start(string directory, string name, int count) =>
        Process.Start(new ProcessStartInfo(Environment.ProcessPath is { } p && Path.GetFileName(p) == "dotnet" ? p : "dotnet")
        {
            UseShellExecute = false,
            ArgumentList = { typeof(Program).Assembly.Location, "add", _scratch.Data, directory, name, $"{count}" },
        })!;
}
