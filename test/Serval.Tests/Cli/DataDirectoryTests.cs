using Serval.Cli;

namespace Serval.Tests.Cli;

/// <summary>The data directory holds keys and Secrets: nobody but its owner looks in.</summary>
public sealed class DataDirectoryTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Open = Owner | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly string _directory = Directory.CreateTempSubdirectory("serval-data-").FullName;
    private readonly List<string> _warnings = [];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Missing_IsMadePrivate()
    {
        var path = Path.Combine(_directory, "a", "b");
        DataDirectory.Prepare(path, _warnings.Add);
        Assert.Equal(Owner, Mode(path));
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData()]
    [InlineData("serval.db", "kubeconfig", "pods")]
    [InlineData("serval.db", "kubeconfig-controller", "kubeconfig-gateway", "kubeconfig-node", "audit.log", "audit.log.1")]
    public void Open_IsClosed_AndSaidOnce(params string[] files)
    {
        Make(files);
        DataDirectory.Prepare(_directory, _warnings.Add);
        DataDirectory.Prepare(_directory, _warnings.Add);
        Assert.Equal(Owner, Mode(_directory));
        Assert.Contains(_directory, Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WithOtherThingsInIt_IsLeftAlone()
    {
        Make("serval.db", "letters");
        DataDirectory.Prepare(_directory, _warnings.Add);
        Assert.Equal(Open, Mode(_directory));
        Assert.Contains("letters is not Serval's", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    private void Make(params string[] files)
    {
        foreach (var file in files)
        {
            File.WriteAllText(Path.Combine(_directory, file), "");
        }
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_directory, Open);
        }
    }

    private static UnixFileMode Mode(string path) => OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(path);
}
