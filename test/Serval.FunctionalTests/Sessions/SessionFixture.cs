namespace Serval.FunctionalTests.Sessions;

/// <summary>One server, and all sessions on it, some at a time: each has a namespace and a directory of its own.</summary>
public sealed class SessionFixture : IAsyncLifetime
{
    private static readonly string s_folder = Repository.Path("test/Serval.FunctionalTests/Sessions");
    private static readonly string[] s_versions = ["v32", "v36"];

    private readonly ServalFixture _server = new();
    private readonly SemaphoreSlim _seats = new(4);
    private readonly Dictionary<(string, string), Task<string>> _runs = [];

    /// <summary>Each session with each kubectl.</summary>
    internal static IEnumerable<(string Session, string Version)> All =>
        from file in Directory.EnumerateFiles(s_folder, "*.session").Order(StringComparer.Ordinal)
        from version in s_versions
        select (Path.GetFileNameWithoutExtension(file), version);

    public async Task InitializeAsync()
    {
        await _server.InitializeAsync();
        await BoxImage.AddAsync(_server.Serval);
        foreach (var run in All)
        {
            _runs[run] = RunAsync(run.Session, run.Version);
        }
    }

    public async Task DisposeAsync()
    {
        try
        {
            await Task.WhenAll(_runs.Values);
        }
        finally
        {
            await _server.DisposeAsync();
            _seats.Dispose();
        }
    }

    /// <summary>What was not as expected in a session.</summary>
    internal Task<string> WrongAsync(string session, string version) => _runs[(session, version)];

    private async Task<string> RunAsync(string session, string version)
    {
        await _seats.WaitAsync();
        var directory = Directory.CreateTempSubdirectory("serval-session-").FullName;
        try
        {
            File.Copy(_server.Serval.Kubeconfig, Path.Combine(directory, "kubeconfig"));
            var name = $"{session}-{version}";
            var shell = new SessionShell(directory, Repository.Path($"artifacts/tools/{version}"), name);
            var (code, _, errors) = await shell.RunAsync("kubectl create namespace $NS && kubectl config set-context --current --namespace=$NS");
            var file = Path.Combine(s_folder, session + ".session");
            return code == 0 ? await shell.RunAsync(Path.GetFileName(file), SessionScript.Read(await File.ReadAllLinesAsync(file), version)) : errors;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
            _seats.Release();
        }
    }
}
