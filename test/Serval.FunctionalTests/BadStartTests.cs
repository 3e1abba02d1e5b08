using System.Net;
using System.Net.Sockets;
using Serval.Testing;

namespace Serval.FunctionalTests;

/// <summary>A server that cannot start says why in one line, and ends.</summary>
public sealed class BadStartTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("serval-test-").FullName;

    [Fact]
    public async Task Up_OnADirectoryInUse_NamesWhoHasIt()
    {
        await using var first = await ServalProcess.UpAsync(_data);
        var errors = await RefusedAsync(_data, "--http-port", "0", "--api-port", "0");
        Assert.Contains($"process {first.Pid}", errors, StringComparison.Ordinal);
        Assert.Contains(_data, errors, StringComparison.Ordinal);
        Assert.Equal(0, await first.StopAsync());
    }

    [Theory]
    [InlineData("--http-port", "--api-port")]
    [InlineData("--api-port", "--http-port")]
    public async Task Up_OnAPortInUse_NamesPortAndOption(string taken, string free)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var errors = await RefusedAsync(_data, taken, $"{port}", free, "0");
        Assert.Contains($"{port}", errors, StringComparison.Ordinal);
        Assert.Contains(taken, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_OnADamagedDatabase_NamesIt()
    {
        await using (var first = await ServalProcess.UpAsync(_data))
        {
            Assert.Equal(0, await first.StopAsync());
        }
        await using (var database = File.OpenWrite(Path.Combine(_data, "serval.db")))
        {
            database.Write("this is no database at all, by no means"u8);
        }
        var errors = await RefusedAsync(_data, "--http-port", "0", "--api-port", "0");
        Assert.Contains(Path.Combine(_data, "serval.db"), errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_BelowAFile_NamesThePathAndTheOption()
    {
        var file = Path.Combine(_data, "plain");
        await File.WriteAllTextAsync(file, "");
        var errors = await RefusedAsync(Path.Combine(file, "data"), "--http-port", "0", "--api-port", "0");
        Assert.Contains(file, errors, StringComparison.Ordinal);
        Assert.Contains("--data-dir", errors, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    // One line, no stack: whoever reads it is not the one who wrote the program.
    private static async Task<string> RefusedAsync(string data, params string[] arguments)
    {
        var (code, output, errors) = await ServalProcess.RunAsync(data, ["up", .. arguments]);
        Assert.True(code != 0, output);
        // A slow start tells about itself first.
        Assert.StartsWith("error: ", errors.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        return errors;
    }
}
