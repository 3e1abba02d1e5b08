namespace Serval.FunctionalTests;

/// <summary>Files that are not what <c>apply</c> takes: one message, an exit code, and nothing stored.</summary>
public sealed class BadFileTests(ServalFixture fixture) : IClassFixture<ServalFixture>, IDisposable
{
    private const int Usage = 2;
    private const int Failed = 1;
    private const int Refused = 6;

    private readonly string _directory = Directory.CreateTempSubdirectory("serval-test-").FullName;

    [Theory]
    [InlineData("", Usage, "no objects found in")]
    [InlineData("---\n# only a comment\n---\n", Usage, "no objects found in")]
    [InlineData("apiVersion: v1\nkind: [\n", Usage, "file.yaml:3:1: ")]
    [InlineData("{\"apiVersion\": \"v1\",", Usage, "; correct the file")]
    [InlineData("just words", Usage, "expected objects with apiVersion and kind, found String")]
    [InlineData("\u0000\u0001\u0002\ufffd\u0003", Usage, "expected objects with apiVersion and kind")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: 1, x: 2}\n", Usage, "the key \"x\" is there twice; correct the file")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 5}\n", Usage, "metadata.name is 5, which is not a string; put it in quotes")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", Usage, "the object has no metadata.name; add it")]
    [InlineData("apiVersion: v1\nkind: Nonsense\nmetadata: {name: bad}\n", Usage, "the server does not know the kind Nonsense in v1")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {x: 1}\n", Refused, "cannot unmarshal number into Go struct field ConfigMap.data of type string")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\nsurprise: 1\n", Refused, "unknown field \"surprise\"")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {../../etc/passwd: x}\n", Refused, "data[../../etc/passwd]: Invalid value")]
    [InlineData("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../../bad}\n", Refused, "metadata.name: Invalid value: \"../../bad\"")]
    public async Task Apply_OfABadFile_SaysWhereAndWhat(string text, int exitCode, string expected)
    {
        var file = Path.Combine(_directory, "file.yaml");
        await File.WriteAllTextAsync(file, text);
        await ExpectAsync(file, exitCode, expected);
        Assert.Empty(await fixture.Kubectl.OkAsync("get", "cm", "bad", "--ignore-not-found", "-o", "name"));
    }

    [Fact]
    public async Task Apply_OfWrongFieldsOfAService_NamesEachPath()
    {
        var file = Path.Combine(_directory, "file.yaml");
        await File.WriteAllTextAsync(file, Manifests.Service("bad").Replace("      containers:", "      containerz: []\n      containers:", StringComparison.Ordinal));
        await ExpectAsync(file, Refused, "unknown field \"spec.template.spec.containerz\"");
        await File.WriteAllTextAsync(file, Manifests.Service("bad").Replace(
            "      containers:", "      containerConcurrency: many\n      timeoutSeconds: 1.5\n      containers:", StringComparison.Ordinal));
        await ExpectAsync(file, Refused, "spec.template.spec.containerConcurrency: Invalid value");
        await ExpectAsync(file, Refused, "spec.template.spec.timeoutSeconds: Invalid value");
        Assert.Empty(await fixture.Kubectl.OkAsync("get", "ksvc", "bad", "--ignore-not-found", "-o", "name"));
    }

    [Fact]
    public async Task Apply_OfWhatIsNoFile_SaysSo()
    {
        await ExpectAsync(_directory, Usage, $"no objects found in {_directory}");
        await ExpectAsync(Path.Combine(_directory, "nosuch.yaml"), Usage, "nosuch.yaml does not exist; name a file");
    }

    [Fact]
    public async Task Apply_OfAHugeFile_IsRefused()
    {
        var file = Path.Combine(_directory, "file.yaml");
        await File.WriteAllTextAsync(file, Manifests.ConfigMap("bad", $$"""{"k": "{{new string('x', 4_000_000)}}"}"""));
        await ExpectAsync(file, Failed, "Request entity too large: limit is 3145728");
        await using (var hole = File.Create(file))
        {
            hole.SetLength(1L << 32);
        }
        await ExpectAsync(file, Usage, "is larger than 64 MB; split it");
    }

    /// <summary>Some good objects in a directory are applied although one is bad; the exit code tells.</summary>
    [Fact]
    public async Task Apply_OfADirectoryWithOneBadObject_AppliesTheOthers()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory, "a.yaml"), Manifests.ConfigMap("good-a"));
        await File.WriteAllTextAsync(Path.Combine(_directory, "b.yaml"), Manifests.ConfigMap("bad", """{"x": 1}"""));
        await File.WriteAllTextAsync(Path.Combine(_directory, "c.yaml"), Manifests.ConfigMap("good-c"));
        await ExpectAsync(_directory, Refused, "b.yaml: ");
        Assert.Equal("configmap/good-a\nconfigmap/good-c\n", await fixture.Kubectl.OkAsync("get", "cm", "good-a", "good-c", "-o", "name"));
    }

    [Fact]
    public async Task Kubectl_ImageOfARegistry_IsWarnedOfInsecureDefaults()
    {
        var manifest = Manifests.Service("insecure").Replace("dev.local/", "registry.invalid/", StringComparison.Ordinal);
        var (code, _, errors) = await fixture.Kubectl.RunAsync(manifest, "apply", "--dry-run=server", "-f", "-");
        Assert.Equal(0, code);
        Assert.Contains("Warning: Kubernetes default value is insecure", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("strict", false)]
    [InlineData("warn", true)]
    [InlineData("ignore", true)]
    public async Task Kubectl_UnknownField_IsRefusedWarnedOfOrDropped(string validate, bool accepted)
    {
        var manifest = Manifests.Service($"unknown-{validate}").Replace("      containers:", "      containerz: []\n      containers:", StringComparison.Ordinal);
        var (code, _, errors) = await fixture.Kubectl.RunAsync(manifest, "apply", $"--validate={validate}", "-f", "-");
        Assert.Equal(accepted, code == 0);
        Assert.Equal(validate != "ignore", errors.Contains("unknown field \"spec.template.spec.containerz\"", StringComparison.Ordinal));
        Assert.Equal(validate == "warn", errors.Contains("Warning: unknown field", StringComparison.Ordinal));
        Assert.DoesNotContain("insecure", errors, StringComparison.Ordinal); // its image is this machine's
        if (accepted)
        {
            Assert.Empty(await fixture.Kubectl.OkAsync("get", "ksvc", $"unknown-{validate}", "-o", "jsonpath={.spec.template.spec.containerz}"));
        }
    }

    [Fact]
    public async Task Kubectl_WrongTypes_AreInvalidWithTheirPaths()
    {
        var manifest = Manifests.Service("bad").Replace("      containers:", "      containerConcurrency: many\n      containers:", StringComparison.Ordinal);
        foreach (var validate in new[] { "strict", "warn" })
        {
            var errors = await fixture.Kubectl.RefusedAsync(manifest, "apply", $"--validate={validate}", "-f", "-");
            Assert.Contains("spec.template.spec.containerConcurrency: Invalid value: \"string\"", errors, StringComparison.Ordinal);
        }
    }

    /// <summary>What kubectl would not send.</summary>
    [Theory]
    [InlineData("", 400, "unexpected end of JSON input")]
    [InlineData("{", 400, "the object provided is unrecognized")]
    [InlineData("[]", 400, "the object provided is unrecognized")]
    [InlineData("""{"metadata": {"name": 5}}""", 400, "cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string")]
    [InlineData("""{"metadata": {"name": "x"}, "kind": "Secret"}""", 400, "Secret in version \\\"v1\\\" cannot be handled as a ConfigMap")]
    public async Task Api_BadBody_IsAStatus(string body, int code, string expected)
    {
        var answer = await fixture.Serval.Api.SendAsync(HttpMethod.Post, "/api/v1/namespaces/default/configmaps", body);
        Assert.Equal(code, answer.Code);
        Assert.Contains("\"kind\":\"Status\"", answer.Body.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(expected, answer.Body, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task ExpectAsync(string file, int exitCode, string expected)
    {
        var (code, output, errors) = await fixture.Serval.RunAsync("apply", "-f", file);
        Assert.True(code == exitCode, $"{code}: {output}{errors}");
        Assert.Contains(expected, errors, StringComparison.Ordinal);
        Assert.StartsWith("error: ", Assert.Single(errors.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }
}
