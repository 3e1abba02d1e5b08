using System.Net;
using System.Net.Sockets;

namespace Serval.FunctionalTests;

/// <summary>A server that cannot start says why in one line, and ends.</summary>
[AllInOneOnly("how `serval up` refuses to start; the roles' refusals are tested with their commands")]
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
        await first.Api.PostAsync("/api/v1/namespaces/default/configmaps", """{"metadata": {"name": "undisturbed"}}""");
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
        Assert.Contains("restore a backup, or move the directory away", errors, StringComparison.Ordinal);
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

    /// <summary>Whatever of the directory is damaged is named, with what helps, in one line.</summary>
    [Theory]
    [InlineData("serval.db", "truncated", "damaged: restore a backup, or move the directory away")]
    [InlineData("serval.db", "a directory", "check its space, owner and mode, or choose another --data-dir")]
    [InlineData("serval.lock", "a directory", "check its space, owner and mode, or choose another --data-dir")]
    [InlineData("certificates/ca.crt", "rubbish", "remove that directory and start again to have new ones made")]
    [InlineData("certificates/ca.key", "another key", "remove that directory and start again to have new ones made")]
    [InlineData("images", "a file", "look at what is there, or name another directory with --data-dir")]
    [InlineData("pods", "a file", "look at what is there, or name another directory with --data-dir")]
    [InlineData("kubeconfig", "a directory", "look at what is there, or name another directory with --data-dir")]
    public async Task Up_WithADamagedPart_NamesIt(string part, string damage, string advice)
    {
        await using (var first = await ServalProcess.UpAsync(_data))
        {
            Assert.Equal(0, await first.StopAsync());
        }
        await DamageAsync(Path.Combine(_data, part), damage);
        var errors = await RefusedAsync(_data, "--http-port", "0", "--api-port", "0");
        Assert.Contains(part.Split('/')[0], errors, StringComparison.Ordinal);
        Assert.Contains(advice, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_OnADatabaseCutToNothing_Warns()
    {
        await using (var first = await ServalProcess.UpAsync(_data))
        {
            Assert.Equal(0, await first.StopAsync());
        }
        await File.WriteAllBytesAsync(Path.Combine(_data, "serval.db"), []);
        await using var second = await ServalProcess.UpAsync(_data);
        Assert.Equal(0, await second.StopAsync());
        Assert.Contains($"warning: The database in {_data} is empty although the directory was used before", second.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_OnADatabaseOfANewerVersion_SaysWhichToStart()
    {
        await using (var first = await ServalProcess.UpAsync(_data))
        {
            Assert.Equal(0, await first.StopAsync());
        }
        await using (var database = File.OpenWrite(Path.Combine(_data, "serval.db")))
        {
            database.Position = 60; // the user version in the header (SQLite, database file format)
            database.Write([0, 0, 0, 99]);
        }
        var errors = await RefusedAsync(_data, "--http-port", "0", "--api-port", "0");
        Assert.Contains("was written by a newer Serval (layout 99", errors, StringComparison.Ordinal);
        Assert.Contains(_data, errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_OnAnAddressOfAnotherMachine_NamesAddressAndOption()
    {
        var errors = await RefusedAsync(_data, "--listen", "192.0.2.1", "--http-port", "0", "--api-port", "0"); // RFC 5737: nobody's
        Assert.Contains("192.0.2.1 is not an address of this machine", errors, StringComparison.Ordinal);
        Assert.Contains("--listen", errors, StringComparison.Ordinal);
    }

    [MountFact]
    public async Task Up_OnAReadOnlyDirectory_SaysSo()
    {
        await using (var first = await ServalProcess.UpAsync(_data))
        {
            Assert.Equal(0, await first.StopAsync());
        }
        await using var mount = await PrivateMount.CreateAsync($"mount --bind '{_data}' '{_data}'; mount -o remount,bind,ro '{_data}'");
        var errors = await RefusedAsync(mount.Launcher, _data, "--http-port", "0", "--api-port", "0");
        Assert.Contains($"the data directory {_data} cannot be used: the file system is mounted read-only", errors, StringComparison.Ordinal);
        Assert.Contains("--data-dir", errors, StringComparison.Ordinal);
    }

    [MountFact]
    public async Task Up_BelowAReadOnlyMount_SaysSo()
    {
        await using var mount = await PrivateMount.CreateAsync($"mount -t tmpfs -o ro none '{_data}'");
        foreach (var data in new[] { _data, Path.Combine(_data, "fresh") })
        {
            var errors = await RefusedAsync(mount.Launcher, data, "--http-port", "0", "--api-port", "0");
            Assert.Contains($"the data directory {data} cannot be used: the file system is mounted read-only", errors, StringComparison.Ordinal);
        }
    }

    [MountFact]
    public async Task Up_OnSomebodyElsesDirectory_NamesUserAndPath()
    {
        // Root without the right to pass over modes is a user like any other.
        await using var mount = await PrivateMount.CreateAsync($"mount -t tmpfs -o mode=0700,uid=65534 none '{_data}'");
        IReadOnlyList<string> launcher = [.. mount.Launcher, "setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
        foreach (var data in new[] { _data, Path.Combine(_data, "fresh") })
        {
            var errors = await RefusedAsync(launcher, data, "--http-port", "0", "--api-port", "0");
            Assert.Contains($"the data directory {data} cannot be used: user {Environment.UserName} may not read and write there", errors, StringComparison.Ordinal);
            Assert.Contains("--data-dir", errors, StringComparison.Ordinal);
        }
    }

    [MountFact]
    public async Task Up_OnAFullDisk_SaysSo()
    {
        await using var mount = await PrivateMount.CreateAsync($"mount -t tmpfs -o size=12m,mode=0700 none '{_data}'; head -c 12000k /dev/zero > '{_data}/filler'");
        var errors = await RefusedAsync(mount.Launcher, _data, "--http-port", "0", "--api-port", "0");
        Assert.Contains($"the data directory {_data} cannot be used: its disk is full (", errors, StringComparison.Ordinal);
        Assert.Contains("free some space, or name another directory with --data-dir", errors, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    private static async Task DamageAsync(string path, string damage)
    {
        switch (damage)
        {
            case "truncated":
                await using (var file = File.OpenWrite(path))
                {
                    file.SetLength(20_000);
                }
                break;
            case "rubbish":
                await File.WriteAllTextAsync(path, "rubbish");
                break;
            case "another key":
                File.Copy(Path.Combine(Path.GetDirectoryName(path)!, "apiserver.key"), path, overwrite: true);
                break;
            default:
                Remove(path);
                await (damage == "a file" ? File.WriteAllTextAsync(path, "") : Task.FromResult(Directory.CreateDirectory(path)));
                break;
        }
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        File.Delete(path);
    }

    private static Task<string> RefusedAsync(string data, params string[] arguments) => RefusedAsync([], data, arguments);

    // One line, no stack: whoever reads it is not the one who wrote the program.
    private static async Task<string> RefusedAsync(IReadOnlyList<string> launcher, string data, params string[] arguments)
    {
        var (code, output, errors) = await ServalProcess.RunAsync(launcher, data, ["up", .. arguments]);
        Assert.True(code != 0, output);
        // A slow start tells about itself first.
        Assert.StartsWith("error: ", Assert.Single(errors.TrimEnd().Split('\n'), l => l != "starting …"), StringComparison.Ordinal);
        return errors;
    }
}
