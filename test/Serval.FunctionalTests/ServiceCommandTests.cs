using System.Diagnostics;

namespace Serval.FunctionalTests;

/// <summary><c>serval service</c>, <c>revision</c>, <c>route</c>, <c>domain</c> and <c>completion</c>, in kn's shape, from create to delete.</summary>
public sealed class ServiceCommandTests(ServalFixture fixture) : IClassFixture<ServalFixture>
{
    private static readonly string[] s_program = ["--image", "dev.local/bb:1", "--arg", "httpd", "--arg", "-f", "--arg", "-p", "--arg", "127.0.0.1:$(PORT)", "--arg", "-h", "--arg", "www"];

    [Fact]
    public async Task Service_CreatedUpdatedExportedImportedDeleted_AnswersAllTheWhile()
    {
        var url = $"http://trip.default.localhost:{fixture.Serval.GatewayPort}";
        var created = await OkAsync(["service", "create", "trip", .. s_program, "--env", "A=1", "--tag", "@latest=now", "--scale", "1..2"]);
        Assert.Equal($"Service 'trip' created to latest revision 'trip-00001' is available at URL:\n{url}\n", created);
        await fixture.AnswersAsync("trip", 200);
        var (code, _, error) = await fixture.Serval.RunAsync(["service", "create", "trip", .. s_program]);
        Assert.Equal(1, code);
        Assert.Contains("already exists", error, StringComparison.Ordinal);

        var updated = await OkAsync("service", "update", "trip", "--env", "B=2", "--env", "A-", "--untag", "now", "--tag", "trip-00001=old", "--traffic", "@latest=30");
        Assert.Equal($"Service 'trip' updated to latest revision 'trip-00002' is available at URL:\n{url}\n", updated);
        Assert.Equal(
            "30/trip-00002/ 70/trip-00001/old ",
            await fixture.Kubectl.OkAsync("get", "ksvc", "trip", "-o", "jsonpath={range .status.traffic[*]}{.percent}/{.revisionName}/{.tag} {end}"));
        Assert.StartsWith("dev.local/bb@sha256:", await fixture.Kubectl.OkAsync("get", "rev", "trip-00002", "-o", "jsonpath={.spec.containers[0].image}"), StringComparison.Ordinal);
        await fixture.AnswersAsync("old-trip", 200);

        Assert.Matches(@"^trip +http://trip\S+ +trip-00002 +\d+s +3 OK / 3 +True\n$", await OkAsync("service", "ls", "trip", "--no-headers"));
        var described = await OkAsync("ksvc", "describe", "trip", "-v");
        Assert.Matches(@" 30%  @latest \(trip-00002\) \[2\] .*\n +Image: +dev.local/bb:1 \(pinned to [0-9a-f]{6}\)", described);
        Assert.Matches(@" 70%  trip-00001 #old \[1\]", described);
        Assert.Contains("B=2", described, StringComparison.Ordinal);
        Assert.Equal(url + "\n", await OkAsync("service", "describe", "trip", "-o", "url"));
        Assert.Matches(@"^trip-00002 +trip +30% +2 .*\ntrip-00001 +trip +70% +old +1 ", await OkAsync("revision", "list", "-s", "trip", "--no-headers"));
        Assert.Contains($"70%  trip-00001 #old\n        URL:  http://old-trip.default.localhost:{fixture.Serval.GatewayPort}", await OkAsync("route", "describe", "trip"), StringComparison.Ordinal);

        var file = Path.Combine(fixture.Serval.DataDirectory, "trip.yaml");
        await File.WriteAllTextAsync(file, await OkAsync("service", "export", "trip", "--with-revisions", "-o", "yaml"));
        Assert.Equal("Service 'trip' successfully deleted in namespace 'default'.\n", await OkAsync("service", "delete", "trip", "--wait"));
        Assert.Equal("", await fixture.Kubectl.OkAsync("get", "rev", "-l", "serving.knative.dev/service=trip", "-o", "name"));

        var imported = await OkAsync("service", "import", file);
        Assert.Equal($"Service 'trip' imported to latest revision 'trip-00002' is available at URL:\n{url}\n", imported);
        await fixture.AnswersAsync("trip", 200);
        await fixture.AnswersAsync("old-trip", 200);
        await OkAsync("service", "update", "trip", "--untag", "old", "--traffic", "100", "--env", "C=3");
        Assert.Matches(@"^trip-\w{5}-2 +trip +100% +2 ", await OkAsync("revision", "list", "-s", "trip", "--no-headers"));
        Assert.Contains("Revision 'trip-00001' deleted in namespace 'default'.", await PrunedAsync("trip", "trip-00001"), StringComparison.Ordinal);
        await OkAsync("service", "delete", "trip");
        Assert.Equal(3, (await fixture.Serval.RunAsync("service", "describe", "trip")).Code);
    }

    [Fact]
    public async Task Apply_SameCommandLineTwice_ChangesNothing()
    {
        await OkAsync(["service", "apply", "same", .. s_program, "--env", "A=1"]);
        var generation = await fixture.Kubectl.OkAsync("get", "ksvc", "same", "-o", "jsonpath={.metadata.generation}");

        var again = await OkAsync(["service", "apply", "same", .. s_program, "--env", "A=1"]);

        Assert.Contains("'same-00001' (unchanged)", again, StringComparison.Ordinal);
        Assert.Equal(generation, await fixture.Kubectl.OkAsync("get", "ksvc", "same", "-o", "jsonpath={.metadata.generation}"));
        Assert.Contains("applied to latest revision 'same-00002'", await OkAsync(["service", "apply", "same", .. s_program]), StringComparison.Ordinal);
        Assert.Equal("", await fixture.Kubectl.OkAsync("get", "ksvc", "same", "-o", "jsonpath={.spec.template.spec.containers[0].env}"));
    }

    [Fact]
    public async Task Create_ProgramThatCannotStart_FailsWithTheReason()
    {
        var (code, output, error) = await fixture.Serval.RunAsync("service", "create", "broken", "--image", "dev.local/bb:1", "--cmd", "/does/not/exist", "--wait-window", "1");

        Assert.Equal((1, ""), (code, output));
        Assert.Contains("error: RevisionFailed: Revision \"broken-00001\" failed with message: \"/does/not/exist\"", error, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^     !  broken-00001 \(latest created\)", await OkAsync("service", "describe", "broken"));
        await OkAsync("service", "delete", "broken");
    }

    [Fact]
    public async Task Domain_CreatedUpdatedListedDeleted()
    {
        const string host = "verbs.example.com";
        await OkAsync(["service", "create", "mapped", .. s_program]);
        Assert.Equal($"Domain mapping '{host}' created in namespace 'default'.\n", await OkAsync("domain", "create", host, "--ref", "mapped"));
        await fixture.Kubectl.OkAsync("wait", "--for=condition=Ready", $"dm/{host}", "--timeout=30s");
        Assert.Matches($@"^{host} +http://{host}:\d+ +True +mapped\n$", await OkAsync("domain", "ls", "--no-headers"));
        Assert.Equal($"Domain mapping '{host}' updated in namespace 'default'.\n", await OkAsync("domain", "update", host, "--ref", "kroute:mapped"));
        Assert.Contains("Kind:        Route", await OkAsync("domain", "describe", host), StringComparison.Ordinal);
        var (code, _, error) = await fixture.Serval.RunAsync("domain", "create", "localname", "--ref", "mapped");
        Assert.Equal(6, code);
        Assert.Contains("should be a domain with at least two segments separated by dots", error, StringComparison.Ordinal);
        Assert.Equal($"Domain mapping '{host}' deleted in namespace 'default'.\n", await OkAsync("domain", "delete", host));
        Assert.Equal(3, (await fixture.Serval.RunAsync("domain", "describe", host)).Code);
        await OkAsync("service", "delete", "mapped");
    }

    [Fact]
    public async Task Completion_InBash_KnowsVerbsAndNames()
    {
        await OkAsync(["service", "create", "completed", .. s_program, "--no-wait"]);
        var script = await OkAsync("completion", "bash");

        Assert.Equal("create ", await CompleteAsync(script, "serval service cr"));
        var clock = Stopwatch.StartNew();
        string offered;
        do
        {
            offered = await CompleteAsync(script, "serval service describe comp"); // on a busy machine the server may be too late for a shell
        }
        while (offered.Length == 0 && clock.Elapsed < TimeSpan.FromSeconds(30));
        Assert.Equal("completed ", offered);
        Assert.Equal("--scale-init --scale-metric ", await CompleteAsync(script, "serval service update completed --scale-", "--scale-init", "--scale-metric"));
        Assert.Equal("json yaml name url ", await CompleteAsync(script, "serval service describe completed -o ", "json", "yaml", "name", "url"));
        await OkAsync("service", "delete", "completed");
    }

    // What bash would offer; of several the wanted ones.
    private async Task<string> CompleteAsync(string script, string line, params string[] wanted)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"{script}\nCOMP_LINE=\"$1\"; COMP_POINT=${{#1}}; read -ra COMP_WORDS <<< \"$1\"; [[ $1 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _serval; printf '%s\\n' \"${{COMPREPLY[@]}}\"", "bash", line])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["SERVAL_DATA_DIR"] = fixture.Serval.DataDirectory;
        start.Environment["PATH"] = $"{Path.GetDirectoryName(ServalProcess.Binary)}:{Environment.GetEnvironmentVariable("PATH")}";
        using var bash = Process.Start(start)!;
        var offered = (await bash.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await bash.WaitForExitAsync();
        return string.Concat((wanted.Length > 0 ? wanted.Where(offered.Contains) : offered).Select(o => o + " "));
    }

    // A revision counts as unreferenced a moment after the traffic has gone.
    private async Task<string> PrunedAsync(string service, string revision)
    {
        await fixture.UntilAsync(
            $"/apis/serving.knative.dev/v1/namespaces/default/revisions?fieldSelector=metadata.name={revision}",
            o => (string?)o["metadata"]?["labels"]?["serving.knative.dev/routingState"] != "active");
        return await OkAsync("revision", "delete", "--prune", service);
    }

    private async Task<string> OkAsync(params string[] arguments)
    {
        var (code, output, error) = await fixture.Serval.RunAsync(arguments);
        Assert.True(code == 0, $"serval {string.Join(' ', arguments)} ended with {code}: {output}{error}");
        return output;
    }
}
