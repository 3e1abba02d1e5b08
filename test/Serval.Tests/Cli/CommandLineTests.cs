using System.Text.Json.Nodes;
using Serval.Cli;

namespace Serval.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    private readonly TestCli _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("get")]
    [InlineData("get ksvc -o xml")]
    [InlineData("up --http-port 70000")]
    [InlineData("up --http-port x")]
    [InlineData("up --listen nowhere")]
    [InlineData("apply")]
    [InlineData("delete")]
    [InlineData("delete ksvc")]
    [InlineData("image add hello:v1 /tmp")]
    [InlineData("image add UPPER . --entrypoint /x")]
    [InlineData("get ksvc --kubeconfig /does/not/exist")]
    [InlineData("get ksvc hello -A")]
    [InlineData("service create")]
    [InlineData("service create hello")]
    [InlineData("service create hello --image a --image b")]
    [InlineData("service create hello --image a --env A")]
    [InlineData("service create hello --image a -o wide")]
    [InlineData("service apply hello --image a --revision-name b")]
    [InlineData("service update hello")]
    [InlineData("service wait hello --wait-timeout -1")]
    [InlineData("service export hello")]
    [InlineData("service export hello -o yaml --mode both")]
    [InlineData("service import /does/not/exist")]
    [InlineData("service delete")]
    [InlineData("service delete hello --all")]
    [InlineData("revision delete")]
    [InlineData("route describe")]
    [InlineData("domain create shop.example.com")]
    [InlineData("domain delete")]
    [InlineData("completion tcsh")]
    public async Task Run_WrongUsage_IsExitCode2WithOneMessage(string line)
    {
        await GiveKubeConfigAsync();

        var result = await _cli.RunAsync(line.Split(' '));

        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.StartsWith("error: ", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(result.Out);
    }

    [Theory]
    [InlineData("get ksvc")]
    [InlineData("logs hello")]
    [InlineData("invoke hello")]
    [InlineData("delete ksvc hello")]
    [InlineData("ksvc ls")]
    [InlineData("service update hello --traffic @latest=10")] // no file with more of the command line
    [InlineData("revision list -s hello")]
    [InlineData("route list")]
    [InlineData("domains ls")]
    public async Task Run_NoServerEver_IsExitCode4AndNamesServalUp(string line)
    {
        var result = await _cli.RunAsync(line.Split(' '));

        Assert.Equal(ExitCodes.NotReachable, result.Code);
        Assert.Contains("serval up", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ServerGone_IsExitCode4AndNamesTheAddress()
    {
        await GiveKubeConfigAsync();

        var result = await _cli.RunAsync("get", "ksvc");

        Assert.Equal(ExitCodes.NotReachable, result.Code);
        Assert.Contains("https://127.0.0.1:1", result.Error, StringComparison.Ordinal);
        Assert.Contains("serval up", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_OfEveryVerb_HasExamples()
    {
        using var streams = new StringWriter();
        var root = CommandLineApp.CreateRoot(new CliContext
        {
            In = TextReader.Null, Out = streams, Error = streams, RawOut = Stream.Null, StartHost = _cli.StartHost,
        });
        var verbs = root.Subcommands.SelectMany(c => c.Subcommands.Count > 0 ? c.Subcommands.Select(s => new[] { c.Name, s.Name }) : [[c.Name]]).ToArray();
        Assert.Equal(42, verbs.Length);

        foreach (var verb in verbs)
        {
            var result = await _cli.RunAsync([.. verb, "--help"]);
            Assert.Equal(ExitCodes.Ok, result.Code);
            Assert.Contains("Examples:\n  ", result.Out.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        }
        Assert.Contains("invoke", (await _cli.RunAsync()).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_Json_HasTheVersion()
    {
        var result = await _cli.RunAsync("version", "-o", "json");

        Assert.Equal("0.1.0", (string?)JsonNode.Parse(result.Out)!["version"]);
    }

    [Fact]
    public async Task Run_OutputThatIsNoTerminal_HasNoEscapes() =>
        Assert.DoesNotContain('\u001b', (await _cli.RunAsync("image", "rm", "nothing")).Error);

    private Task GiveKubeConfigAsync()
    {
        Directory.CreateDirectory(_cli.Data);
        return File.WriteAllTextAsync(Path.Combine(_cli.Data, "kubeconfig"), """
            apiVersion: v1
            kind: Config
            current-context: c
            contexts: [{name: c, context: {cluster: k, user: u}}]
            clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
            users: [{name: u, user: {}}]
            """);
    }
}
